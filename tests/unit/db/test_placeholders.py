"""What pg8000 is spared: reading a statement again for its placeholders."""

import pytest
from pg8000 import legacy
from pg8000.dbapi import convert_paramstyle

from shared.db.engine import engine


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        ("select 1", ()),
        ("select %s, %s::text, '%%s', \"a%%\"", (1, "x")),
        ("select '%s', 'it''s', %s -- %s\n, %s", (1, 2)),
        ("select E'\\'%s', %s", (3,)),
    ],
)
def test_remembered_statements_are_what_pg8000_makes_of_them(monkeypatch, statement, arguments):
    monkeypatch.setenv("DATABASE_URL", "postgresql+pg8000://nobody@127.0.0.1:1/nothing")
    engine.cache_clear()
    engine().dispose()
    engine.cache_clear()
    for _ in range(2):
        assert legacy.convert_paramstyle("format", statement, arguments) == (
            convert_paramstyle("format", statement, arguments)
        )
    named = {"a": 1}
    assert legacy.convert_paramstyle("named", "select :a", named) == ("select $1", (1,))
