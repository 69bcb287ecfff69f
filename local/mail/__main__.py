"""A mail server that keeps what it gets and passes nothing on; see `python -m local.mail --help`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

_PARENT_POLL = 1.0


def main() -> None:
    """Serve until told to stop, or until the parent process is gone."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m local.mail", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of the mails, each a file")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.state, parent))


async def _serve(port: int, folder: Path, parent: int) -> None:
    from aiosmtpd.smtp import SMTP

    from local.mail.box import Mailbox

    loop, stop, box = asyncio.get_running_loop(), asyncio.Event(), Mailbox(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: SMTP(box, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    print(f"listening on 127.0.0.1:{port}", flush=True)
    while not stop.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), _PARENT_POLL)
        except TimeoutError:
            continue
    server.close()


if __name__ == "__main__":
    main()
