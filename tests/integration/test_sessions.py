"""Sessions in the database: whose they are, how long the cache knows them, and when they are forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from shared.auth.people import revoke_tokens
from shared.auth.sessions import SEEN_EVERY, LiveSessions, cookie_digest
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.db.errors import diagnostics
from shared.sessions.errors import SessionNotFound
from shared.sessions.repository import Sessions
from shared.sessions.upkeep import KEPT, forget_sessions

NO_REDIS = RedisCache(RedisSettings())
ANN, BOB = "usr_ann", "usr_bob"
HOUR = timedelta(hours=1)


class World:
    """Two people, each with a session of two days."""

    def __init__(self, database):
        self.database = database
        for user in (ANN, BOB):
            database.run(
                "insert into users (id, identity, profile_hash, profile_at) "
                "values (:u, :u, 'p', clock_now())",
                u=user,
            )
            self.add(f"ses_{user}", user)
        self.live = LiveSessions(lambda digest, user: self.uow(user, digest), NO_REDIS)

    def uow(self, user=None, digest=None):
        return self.database.uow(key_hash=digest, user=user)

    def add(self, session, user):
        with self.uow(user) as uow:
            moment = uow.now
            Sessions(uow).add(
                id=session,
                user_id=user,
                digest=cookie_digest(session),
                device="d",
                signed_in_at=moment,
                expires_at=moment + timedelta(days=2),
            )

    def seen(self, user):
        with self.uow(user) as uow:
            return [row.id for row in Sessions(uow).live()]


@pytest.fixture
def world(database):
    return World(database)


def test_people_see_and_end_their_own_sessions_alone(world):
    assert (world.seen(ANN), world.seen(BOB)) == (["ses_usr_ann"], ["ses_usr_bob"])
    for end in (lambda s: s.revoke("ses_usr_ann"), lambda s: s.rename("ses_usr_ann", "x")):
        with pytest.raises(SessionNotFound), world.uow(BOB) as uow:
            end(Sessions(uow))
    with world.uow(BOB) as uow:
        assert Sessions(uow).revoke_all() == 1
    assert (world.seen(ANN), world.seen(BOB)) == (["ses_usr_ann"], [])
    with world.uow() as uow:
        assert uow.sql("select * from sessions").all() == []


def test_nobody_begins_a_session_for_somebody_else(world):
    with pytest.raises(DBAPIError) as caught, world.uow(BOB) as uow:
        Sessions(uow).add(
            id="ses_x", user_id=ANN, digest=b"x", device="d", signed_in_at=uow.now, expires_at=uow.now
        )
    assert diagnostics(caught.value).get("C") == "42501"


def test_a_cookie_finds_its_session_until_that_ends(world, database):
    found = world.live.of_cookie("ses_usr_ann")
    assert (found.id, found.user) == ("ses_usr_ann", ANN)
    assert 0 < found.seconds <= 2 * 24 * 3600
    assert world.live.of_cookie("another") is None
    assert world.live.stands("ses_usr_ann", ANN)
    assert not world.live.stands("ses_usr_ann", BOB)
    database.move_clock(timedelta(days=2, seconds=1))
    assert world.live.of_cookie("ses_usr_ann") is None
    assert world.seen(ANN) == []
    # What it let others do goes on, unless it was revoked.
    assert world.live.stands("ses_usr_ann", ANN)


def test_ending_one_is_seen_at_once_by_cookie_and_by_id(world):
    with world.uow(ANN) as uow:
        Sessions(uow).revoke("ses_usr_ann")
        assert len(uow._stale) == 2
    assert world.live.of_cookie("ses_usr_ann") is None
    assert not world.live.stands("ses_usr_ann", ANN)
    with pytest.raises(SessionNotFound), world.uow(ANN) as uow:
        Sessions(uow).revoke("ses_usr_ann")


def test_what_was_signed_in_to_before_everything_was_revoked_is_not_listed(world):
    with world.uow(ANN) as uow:
        revoke_tokens(uow, ANN)
    assert world.seen(ANN) == []
    world.add("ses_later", ANN)
    assert world.seen(ANN) == ["ses_later"]


def test_when_a_session_was_last_seen_is_written_down_now_and_then(world, database):
    def last():
        return database.value("select last_seen_at from sessions where user_id = :u", u=ANN)

    before = last()
    world.live.of_cookie("ses_usr_ann")
    assert last() == before
    database.move_clock(SEEN_EVERY + timedelta(seconds=1))
    world.live.of_cookie("ses_usr_ann")
    assert last() - before > SEEN_EVERY


def test_sessions_that_ended_are_forgotten(world, database):
    with world.uow(BOB) as uow:
        Sessions(uow).revoke("ses_usr_bob")
    for after, left in ((-HOUR, 2), (HOUR, 1), (timedelta(days=2) + HOUR, 0)):
        database.move_clock(KEPT + after)
        forget_sessions(lambda _: database.uow(system=True))
        assert database.value("select count(*) from sessions") == left
