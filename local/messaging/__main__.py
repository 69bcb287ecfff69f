"""Pub/Sub and Cloud Tasks in one gRPC server; see `python -m local.messaging --help`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sqlite3
import sys
from pathlib import Path

import grpc

from local.messaging.bell import Bell
from local.messaging.database import open_database
from local.messaging.delivery import Sender
from local.messaging.pubsub.admin import Admin
from local.messaging.pubsub.backlog import Backlog
from local.messaging.pubsub.catalogue import Catalogue
from local.messaging.pubsub.pull import Puller
from local.messaging.pubsub.push import Pusher
from local.messaging.rpc import Handlers, Method
from local.messaging.tasks.calls import Calls
from local.messaging.tasks.dispatch import Dispatcher
from local.messaging.tasks.schedule import Schedule

_LARGEST_MESSAGE = 64 * 1024 * 1024


def main() -> None:
    """Serve until told to stop, or until the parent process is gone."""
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
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    database = open_database(options.state)
    sender, bell = Sender(options.identity), Bell()
    server = grpc.aio.server(
        options=[
            # Without it a second server on the same port would silently share the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ]
    )
    methods = _pubsub(database, bell, sender, options.duplicate) | _tasks(database, bell, sender)
    server.add_generic_rpc_handlers((Handlers(methods),))
    port = server.add_insecure_port(f"127.0.0.1:{options.port}")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await _end()
    await server.stop(0.5)
    await sender.close()


def _pubsub(database: sqlite3.Connection, bell: Bell, sender: Sender, duplicates: int) -> dict[str, Method]:
    catalogue = Catalogue(database)
    backlog = Backlog(database, catalogue, bell)
    pusher = Pusher(catalogue, backlog, bell, sender, duplicates)
    for name in catalogue.subscriptions:
        pusher.serve(name)
    return Admin(catalogue, backlog, pusher).methods() | Puller(catalogue, backlog, bell).methods()


def _tasks(database: sqlite3.Connection, bell: Bell, sender: Sender) -> dict[str, Method]:
    schedule = Schedule(database)
    dispatcher = Dispatcher(schedule, bell, sender)
    for name in schedule.queues:
        dispatcher.serve(name)
    return Calls(schedule, dispatcher).methods()


async def _end() -> None:
    """Return at SIGTERM or SIGINT, or when the process that started this one has died."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), 0.5)
        except TimeoutError:
            continue


if __name__ == "__main__":
    main()
