"""What a span tells of a statement: its kind, its table and its shape, and none of its values."""

import pytest

from shared.db.tracing import described


@pytest.mark.parametrize(
    ("statement", "name", "shape"),
    [
        ("select *\n  from jobs where id = %s", "SELECT jobs", "select * from jobs where id = %s"),
        ("insert into outbox values (%s)", "INSERT outbox", "insert into outbox values (%s)"),
        ("update ONLY jobs set a = 'it''s me'", "UPDATE jobs", "update ONLY jobs set a = ?"),
        ("delete from x1 where n > 30.5", "DELETE x1", "delete from x1 where n > ?"),
        ("select set_config('a.b', %s, true)", "SELECT set_config", "select set_config(?, %s, true)"),
        ("select 1", "SELECT", "select ?"),
        ("", "", ""),
    ],
)
def test_a_statement_is_described_without_its_values(statement, name, shape):
    assert described(statement) == (name, shape)
