"""Write or check `docs/configuration.md`: `python -m tools.configuration --write | --check`.

It is made of the Settings classes in `shared/core/config.py` and of `terraform/capabilities.yaml`.
"""

from __future__ import annotations

import argparse
import sys
import typing
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from shared.core.config import Settings
from tools.capabilities import Capabilities, capabilities

PATH = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

_HEAD = """# Configuration

Every setting is an environment variable. A function sees those that the words of its `uses` give it, and
what every function gets; one that is missing or wrong is reported by name when the room that needs it is
first used. In the cloud the values of **secrets** come from Secret Manager. What is marked *local* exists in
the local cloud only, and a function refuses to work where it meets an emulator's setting in the cloud.

This page is made by `python -m tools.configuration --write`.
"""
_OTHERS_HEAD = """
## Read by the framework and the official clients

| variable | given by |
|---|---|
"""
_TABLE_HEAD = "| variable | type | default | meaning | given by |\n|---|---|---|---|---|\n"
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "JSON object"}


def groups() -> list[type[Settings]]:
    """The Settings classes, in the order of their definition."""
    return list(Settings.__subclasses__())


def document() -> str:
    """The text of the page."""
    given = capabilities()
    tables = [_table(group, given) for group in groups()]
    return _HEAD + "".join(tables) + _OTHERS_HEAD + "".join(_others(given))


def _table(group: type[Settings], given: Capabilities) -> str:
    title = group.__name__.removesuffix("Settings")
    rows = [_row(name.upper(), field, given) for name, field in group.model_fields.items()]
    return f"\n## {title}\n\n{group.__doc__}\n\n{_TABLE_HEAD}" + "".join(rows)


def _row(name: str, field: FieldInfo, given: Capabilities) -> str:
    description = (field.description or "").replace("|", "\\|")
    return f"| `{name}` | {_kind(field)} | {_default(field)} | {description} | {_giver(name, given)} |\n"


def _kind(field: FieldInfo) -> str:
    """The type in plain words; that of the value where None is allowed too."""
    members = [a for a in typing.get_args(field.annotation) if a is not type(None)]
    optional = type(None) in typing.get_args(field.annotation)
    annotation: Any = members[0] if optional else field.annotation
    return _KINDS.get(typing.get_origin(annotation) or annotation, "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return "" if shown in (None, "") else f"`{shown}`"


def _giver(name: str, given: Capabilities) -> str:
    words = [f"`{w}`" if w in given.words else w for w in given.giving(name)]
    grants = [given.always, *given.words.values()]
    marks = [
        mark
        for mark, there in (
            ("**secret**", any(name in g.secrets for g in grants)),
            ("*local*", all(name not in g.in_the_cloud for g in grants) and name not in given.manifest),
        )
        if there
    ]
    return " ".join([", ".join(words), *marks])


def _others(given: Capabilities) -> list[str]:
    settings = {name.upper() for group in groups() for name in group.model_fields}
    named = [
        n for g in (given.always, *given.words.values()) for n in (*g.env, *g.cloud, *g.local, *g.secrets)
    ]
    others = [n for n in dict.fromkeys([*given.manifest, *named]) if n not in settings]
    return [f"| `{name}` | {_giver(name, given)} |\n" for name in others]


def main(argv: list[str] | None = None) -> int:
    """Write the page, or tell whether it is up to date; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write or check docs/configuration.md.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the page")
    mode.add_argument("--check", action="store_true", help="fail where the page is out of date")
    if parser.parse_args(argv).write:
        PATH.parent.mkdir(exist_ok=True)
        PATH.write_text(document(), encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != document():
        print("docs/configuration.md is out of date: python -m tools.configuration --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
