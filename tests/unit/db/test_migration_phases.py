"""Expanding and contracting migrations: what a file may do follows from its phase."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from shared.db.migrate import CONTRACT, EXPAND, _config, phase_of

SCRIPTS = list(reversed(list(ScriptDirectory.from_config(_config()).walk_revisions())))
FIRST = "0018"
"""Older migrations were never run under two releases."""
TAKES_AWAY = re.compile(
    r"""\bdrop\s+(table|column|view|materialized|schema|role)\b
    | \balter\s+table\s+[^;]*?\bdrop\s+(?!constraint|not\s+null|default|expression|identity)\w
    | \brename\b
    | \balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b
    | \bset\s+not\s+null\b
    | \badd\s+(column\s+)?(?!constraint)\w+\s+[\w\[\]()]+\s+not\s+null(?![^,;]*\b(default|generated)\b)
    | \brevoke\b[^;]*\bfrom\b[^;]*\bimangor_""",
    re.VERBOSE | re.IGNORECASE,
)


class Statements:
    """Stands in for alembic's `op`, and keeps what a migration would run."""

    def __init__(self):
        self.texts: list[str] = []

    def execute(self, statement):
        self.texts.append(re.sub(r"--.*|'[^']*'", "", str(statement)))

    def get_bind(self):
        return self


def statements(script, monkeypatch):
    seen = Statements()
    monkeypatch.setattr(script.module, "op", seen)
    script.module.upgrade()
    return "\n".join(seen.texts)


@pytest.mark.parametrize("script", [s for s in SCRIPTS if s.revision >= FIRST], ids=lambda s: s.revision)
def test_what_expands_takes_nothing_away(script, monkeypatch):
    assert phase_of(script) in (EXPAND, CONTRACT)
    found = TAKES_AWAY.search(statements(script, monkeypatch))
    if phase_of(script) == EXPAND:
        assert found is None, f"the release before may still use this: {found[0]}"


@pytest.mark.parametrize(
    ("statement", "taken"),
    [
        ("alter table jobs add colour text", False),
        ("alter table jobs add colour text not null default 'red'", False),
        ("alter table jobs drop constraint jobs_state_check", False),
        ("alter table jobs alter column colour drop not null", False),
        ("create table colours (id text not null)", False),
        ("alter table jobs add colour text not null", True),
        ("alter table jobs add a text, drop colour", True),
        ("alter table jobs rename column colour to color", True),
        ("alter table jobs alter column colour type bigint", True),
        ("alter table jobs alter colour set not null", True),
        ("drop table jobs", True),
    ],
)
def test_taking_away_is_noticed(statement, taken):
    assert bool(TAKES_AWAY.search(statement)) is taken


def test_files_that_say_no_phase_expand():
    template = (Path(_config().get_main_option("script_location")) / "script.py.mako").read_text()
    assert 'phase = "expand"' in template
    assert {phase_of(s) for s in SCRIPTS if not hasattr(s.module, "phase")} <= {EXPAND}
