"""Pub/Sub and Cloud Tasks in one gRPC server; see `python -m local.messaging --help`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path


def main() -> None:
    """Serve until told to stop, or until the parent process is gone."""
    # Asked before the slow imports, during which the parent may die.
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m local.messaging", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--state", type=Path, required=True, help="folder of messaging.db")
    parser.add_argument("--identity", type=Path, required=True, help="key folder of local.identity")
    parser.add_argument(
        "--duplicate",
        type=int,
        default=int(os.environ.get("PUBSUB_DUPLICATE", "1")),
        metavar="N",
        help="push every message N times at once (default: PUBSUB_DUPLICATE or 1)",
    )
    options = parser.parse_args()
    if options.duplicate < 1:
        parser.error("--duplicate must be at least 1")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    from local.messaging.server import serve

    asyncio.run(serve(options.port, options.state, options.identity, options.duplicate, parent))


if __name__ == "__main__":
    main()
