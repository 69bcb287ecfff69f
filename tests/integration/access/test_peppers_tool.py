"""What an operator is told of keys under older peppers."""

from sqlalchemy import create_engine

from local.services.database import ADMIN
from tools.peppers import counted

from .conftest import NEWER, PEPPER


def test_keys_move_to_the_first_pepper_as_they_are_used(door, database):
    account = database.account()
    used, _ = door.issue(account)
    door.issue(account)
    door.issue(account, revoked_at="2026-01-01")
    door.issue(account, pepper="gone" * 8)
    engine = create_engine(database.server.url(ADMIN))
    assert counted(engine, [PEPPER]) == {"pepper 1": 2, "unknown": 1}
    assert counted(engine, [NEWER, PEPPER]) == {"pepper 1": 0, "pepper 2": 2, "unknown": 1}
    door.set_peppers(NEWER, PEPPER)
    door.enter(used)
    assert counted(engine, [NEWER, PEPPER]) == {"pepper 1": 1, "pepper 2": 1, "unknown": 1}
    engine.dispose()
