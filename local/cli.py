"""The command line of the local cloud. Each command imports only what it needs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from local.state import DEFAULT, NotRunning, State, python_command

_SETUP = "run `make setup`, then `.venv/bin/python -m local ...`"
_LARGEST_PORT = 65535
_SELFTESTS = "SELFTEST_MINUTES=30"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    state = State(options.state)
    try:
        return int(options.run(state, options))
    except NotRunning as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "local").split(".")[0] in ("local", "shared"):
            raise
        print(f"{sys.executable} lacks the packages ({error.name}): {_SETUP}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=python_command(), description="Imangor's cloud on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, default=DEFAULT, metavar="DIR", help="state folder (.local)")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=run)
        return made

    _add_up(command("up", _up, "start everything and stay until Ctrl-C"))
    _add_up(command("run", _run, "start everything, translate the sample photo, and stay"))
    command("down", _down, "stop the local cloud")
    status = command("status", _status, "show what runs")
    status.add_argument("--json", action="store_true", help="as JSON")
    reset = command("reset", _reset, "stop the local cloud and delete its state")
    reset.add_argument(
        "--programs", action="store_true", help="also delete the copies of PostgreSQL that root's cloud made"
    )
    env = command("env", _env, "print the environment of a function as shell lines")
    env.add_argument("--function", metavar="X", help="one function's own environment and database user")
    trace = command("trace", _trace, "print what was done for a job, or in a trace, as trees of spans")
    trace.add_argument("what", metavar="JOB", help="a job's id, or that of a trace, as log lines have it")
    _add_translate(command("translate", _translate, "translate files and write the results beside them"))
    return parser


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_port, default=8080, metavar="N", help="the gateway's port; 0 takes any (8080)"
    )
    parser.add_argument("--detach", action="store_true", help="return when everything is ready")
    parser.add_argument(
        "--shortest-backoff",
        type=float,
        metavar="SECONDS",
        help="first pause of queues and subscriptions, for tests (as in the cloud: 10 s for events)",
    )
    parser.add_argument(
        "--function-idle",
        type=float,
        default=900,
        metavar="SECONDS",
        help="stop a function that had no request for so long (900)",
    )
    parser.add_argument(
        "--engine-idle",
        type=float,
        default=600,
        metavar="SECONDS",
        help="stop an engine that had no connection for so long (600)",
    )
    parser.add_argument(
        "--function-limit", type=int, default=6, metavar="N", help="functions alive at a time (6)"
    )
    parser.add_argument(
        "--function-env",
        type=_variable,
        action="append",
        metavar="NAME=VALUE",
        help="a variable that every function sees besides its own, for tests; may be given again",
    )
    parser.add_argument("--while-alive", type=int, metavar="PID", help="stop when that process has ended")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to {_LARGEST_PORT}")
    return int(text)


def _variable(text: str) -> str:
    name, given, _ = text.partition("=")
    if not given or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return text


def _add_translate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--to", required=True, metavar="es[,fr]", help="target languages")
    parser.add_argument("--from", dest="source", default="auto", metavar="en", help="source language (auto)")
    parser.add_argument("--resumable", action="store_true", help="upload by a signed resumable session")


def _up_options(options: argparse.Namespace) -> dict[str, Any]:
    names = ("port", "shortest_backoff", "function_idle", "function_limit", "engine_idle", "while_alive")
    return {
        **{name: getattr(options, name) for name in names},
        "function_env": tuple(options.function_env or ()),
    }


def _up(state: State, options: argparse.Namespace) -> int:
    from local import up

    if not options.detach:
        return up.up(state, _up_options(options))
    arguments = ["--state", str(state.folder)]
    for name, value in _up_options(options).items():
        for each in value if isinstance(value, tuple) else [value]:
            arguments += [] if each is None else [f"--{name.replace('_', '-')}", str(each)]
    return up.detach(state, arguments)


def _run(state: State, options: argparse.Namespace) -> int:
    from local import sample, up

    made = _up_options(options)
    made["function_env"] = (_SELFTESTS, *made["function_env"])
    return up.up(state, made, sample.translate_sample)


def _down(state: State, _: argparse.Namespace) -> int:
    from local import control

    return control.down(state)


def _status(state: State, options: argparse.Namespace) -> int:
    from local import control

    return control.status(state, as_json=options.json)


def _reset(state: State, options: argparse.Namespace) -> int:
    from local import control

    return control.reset(state, programs=options.programs)


def _env(state: State, options: argparse.Namespace) -> int:
    from local import control

    return control.env(state, options.function)


def _trace(state: State, options: argparse.Namespace) -> int:
    from local.traces import tree

    return tree.show(state, options.what)


def _translate(state: State, options: argparse.Namespace) -> int:
    from local import translate

    targets = [language for language in options.to.split(",") if language]
    return translate.translate(state, options.files, options.source, targets, resumable=options.resumable)
