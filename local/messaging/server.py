"""Putting the two services together behind one port."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
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
_PARENT_POLL = 0.5


async def serve(port: int, state: Path, identity: Path, duplicates: int, parent: int) -> None:
    """Open the state, listen on the loopback, and return at SIGTERM, SIGINT or the end of process `parent`.

    Raises sqlite3.OperationalError where another process has the state, RuntimeError where it has the port.
    """
    database = open_database(state)
    sender, bell = Sender(identity), Bell()
    server = grpc.aio.server(
        options=[
            # Without it a second server on the same port would silently share the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ]
    )
    methods = _pubsub(database, bell, sender, duplicates) | _tasks(database, bell, sender)
    server.add_generic_rpc_handlers((Handlers(methods),))
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print(f"listening on 127.0.0.1:{bound}", flush=True)
    await _end(parent)
    await server.stop(0.2)
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


async def _end(parent: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), _PARENT_POLL)
        except TimeoutError:
            continue
