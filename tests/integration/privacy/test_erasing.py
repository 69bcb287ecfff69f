"""Erasing an account: all of it goes but books, audit log and receipt, and nothing of another's."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import timedelta
from types import SimpleNamespace

import jwt
import pytest
from sqlalchemy.exc import DBAPIError

from shared.audit.verification import verify
from shared.auth.access_tokens import AccessTokens, read_key_set
from shared.auth.errors import CredentialEnded
from shared.auth.people import People
from shared.auth.principal import Principal
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.credentials import Credentials
from shared.core.errors import InvalidInput, Unauthenticated
from shared.core.ids import new_id
from shared.db.errors import AccountClosed, diagnostics
from shared.db.leases import LeaseHeld, LeaseLost
from shared.db.models import metadata
from shared.jobs.messages import ProcessImage, Try
from shared.jobs.repository import JobRepository
from shared.jobs.steps import claimed
from shared.ledger.proof import prove
from shared.ledger.service import Ledger
from shared.privacy.errors import ErasureBegun, ErasureNotFound, ErasureUnderWay, PlatformsAccount
from shared.privacy.rules import ERASED, KEPT, LAST, NOBODYS, PEOPLE, SCRUBBED
from shared.privacy.upkeep import keep_erasures
from shared.sessions.errors import SignInTooOld
from shared.storage.errors import StorageUnavailable
from tests.integration.privacy.conftest import ISSUER, KEYS
from tests.integration.test_db_tenancy import USER
from tests.integration.test_people import Signed, untold


def test_every_table_has_one_rule():
    rules = [*ERASED, *LAST, *SCRUBBED, *PEOPLE, *KEPT, *NOBODYS]
    assert sorted(rules) == sorted(metadata.tables)


def test_what_is_of_the_account_goes_and_what_is_of_another_stays(erasing):
    before = erasing.everything(erasing.b)
    erasure = erasing.begin()
    erasing.erase(erasure)
    left = {name for name, number in erasing.rows(erasing.a).items() if number}
    # The one lease is the eraser's own, and the one effect tells the identity service of who left.
    assert left == SCRUBBED.keys() | KEPT.keys() - {"platform_admins"} | {"leases", "outbox"}
    assert erasing.everything(erasing.b) == before
    assert erasing.bucket.names(erasing.a) == []
    assert len(erasing.bucket.names(erasing.b)) == 8
    assert erasing.receipt(erasure).state == "done"


def test_nothing_that_somebody_wrote_is_left_in_the_rows_that_stay(erasing, database):
    job = erasing.world.job_of(erasing.a)
    database.run(
        "update jobs set name = 'Secret.png', source_object = 'inbox/Secret.png',"
        " results_prefix = 'results/Secret/', source_language = 'es',"
        " leave_alone = cast(:s as jsonb), error = cast(:s as jsonb) where id = :j",
        s='{"a": "Secret"}',
        j=job,
    )
    database.run("update accounts set name = 'Secret Ltd' where id = :a", a=erasing.a)
    with database.uow(erasing.a) as uow:
        Ledger(uow).grant(5, "gift", reason="for Mr Secret", actor="key_2")
    erasure = erasing.begin()
    erasing.erase(erasure)
    told = erasing.everything(erasing.a)
    assert [row for _, row in told if "Secret" in row] == []
    with database.uow(erasing.a) as uow:
        proof = prove(uow)
        assert (proof.proven, proof.available, proof.held) == (True, 0, 0)


def test_the_receipt_says_what_was_done_and_anybody_can_verify_it(erasing):
    erasure = erasing.begin()
    erasing.erase(erasure)
    receipt = erasing.receipt(erasure).receipt
    (key,) = KEYS.published()
    claims = jwt.decode(receipt, jwt.PyJWK(key).key, algorithms=["ES256"], issuer=ISSUER)
    assert (claims["sub"], claims["jti"]) == (erasing.a, erasure.id)
    assert claims["requested_by"] == {"kind": "key", "id": "key_1"}
    assert claims["objects_erased"] == {"uploads": 6, "results": 6}
    assert claims["rows_erased"]["api_keys"] == claims["rows_erased"]["scenes"] == 1
    assert claims["rows_without_contents"]["jobs"] == 1
    assert claims["people"] == {"left": 1}
    head = erasing.database.rows("select number, hash from audit_heads where account_id = :a", a=erasing.a)
    assert claims["audit"] == {"entries": head[0].number, "hash": bytes(head[0].hash).hex()}
    keys = read_key_set(json.dumps({"keys": KEYS.published()}).encode())
    with pytest.raises(Unauthenticated):
        AccessTokens(ISSUER, SimpleNamespace(key=keys.get)).verify(receipt)


def test_the_audit_log_stays_whole_and_tells_of_it(erasing, database):
    erasing.erase(erasing.begin())
    proof = verify(lambda: database.uow(erasing.a), erasing.a, [])
    assert proof.proven, proof
    words = database.rows("select action from audit_entries where chain = :a order by number", a=erasing.a)
    assert [word for (word,) in words][-3:] == ["erasure.ordered", "account.closed", "account.erased"]


def test_a_worker_that_dies_anywhere_is_followed_by_one_that_goes_on(erasing, database):
    erasure = erasing.begin()
    deaths = 0
    while True:
        erasing.most = deaths + 1
        try:
            erasing.erase(erasure)
            break
        except KeyboardInterrupt:
            deaths += 1
    assert deaths > 20
    claims = jwt.decode(erasing.receipt(erasure).receipt, options={"verify_signature": False})
    assert claims["objects_erased"] == {"uploads": 6, "results": 6}
    assert (claims["rows_erased"]["api_keys"], claims["rows_without_contents"]["accounts"]) == (1, 1)
    words = database.rows("select action from audit_entries where chain = :a order by number", a=erasing.a)
    assert [word for (word,) in words][-2:] == ["account.closed", "account.erased"]
    assert claims["people"] == {"left": 1}


def test_what_was_deleted_and_not_counted_is_counted_by_who_comes_after(erasing):
    erasure = erasing.begin()
    erasing.bucket.broken = True
    with pytest.raises(StorageUnavailable):
        erasing.erase(erasure)
    erasing.bucket.broken = False
    erasing.erase(erasure)
    claims = jwt.decode(erasing.receipt(erasure).receipt, options={"verify_signature": False})
    assert claims["objects_erased"] == {"uploads": 6, "results": 6}


def test_a_job_that_runs_meanwhile_leaves_nothing_behind(erasing, database):
    job = database.job(erasing.a, "fr", state="queued")
    with database.uow(erasing.a) as uow:
        Ledger(uow).hold(job, ["fr"], 1)
    erasure = erasing.begin()
    task = ProcessImage(account=erasing.a, job=job, step="render", target="fr")
    with contextlib.suppress(LeaseLost), claimed(database.uow, task, Try(0, 8, 3600)) as run:
        erasing.erase(erasure)
        assert erasing.receipt(erasure).state == "running"
        erasing.bucket.put("res", f"results/{erasing.a}/{job}/fr.png")
        run.record(lambda uow, record: JobRepository(uow).change(record.id, name="late"))
        pytest.fail("a worker recorded what it did for an account that is closed")
    assert erasing.bucket.names(erasing.a) == [f"results/{erasing.a}/{job}/fr.png"]
    database.move_clock(timedelta(hours=2))
    erasing.erase(erasure)
    assert erasing.receipt(erasure).state == "done"
    assert erasing.bucket.names(erasing.a) == []
    assert database.value("select name from jobs where id = :j", j=job) == ""
    with database.uow(erasing.a) as uow:
        assert prove(uow).proven


def test_it_waits_for_what_has_no_lease_either(erasing, database):
    erasure = erasing.begin()
    erasing.erase(erasure, settle=timedelta(minutes=15))
    assert erasing.receipt(erasure).state == "running"
    next_at = database.value("select next_at - closed_at from account_erasures where id = :i", i=erasure.id)
    assert next_at == timedelta(minutes=15)
    database.move_clock(timedelta(minutes=16))
    erasing.erase(erasure, settle=timedelta(minutes=15))
    assert erasing.receipt(erasure).state == "done"


def test_nothing_is_added_to_an_account_that_is_closed(erasing, database):
    erasing.erase(erasing.begin(), settle=timedelta(minutes=15))
    for table in ("api_keys", "webhook_endpoints", "quotes"):
        row = {
            "api_keys": {"id": "k", "name": "n", "hint": "h", "hash": b"h", "scopes": "{}"},
            "webhook_endpoints": {"id": "w", "url": "u"},
            "quotes": {"id": "q", "created_by": "k", "medium": "text", "targets": "{}"}
            | {"price_version": 1, "expires_at": "2100-01-01T00:00:00Z"},
        }[table] | {"account_id": erasing.a}
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with pytest.raises(AccountClosed), database.uow(erasing.a) as uow:
            uow.sql(f"insert into {table} ({names}) values ({marks})", **row)  # noqa: S608 - our own names


def test_the_database_lets_the_eraser_delete_nothing_of_an_account_that_is_open(erasing, database):
    for table in (*ERASED, *LAST, "memberships"):
        with database.uow(erasing.a, eraser=True) as uow:
            assert uow.sql(f"delete from {table}").rowcount == 0, table  # noqa: S608 - our own names
    for statement in ("delete from jobs", "delete from accounts", "delete from audit_entries"):
        with pytest.raises(DBAPIError), database.uow(erasing.a, eraser=True) as uow:
            uow.sql(statement)
    with pytest.raises(DBAPIError) as caught, database.uow(erasing.a, eraser=True) as uow:
        uow.sql("update ledger_transactions set reason = 'erased' where kind = 'grant'")
    assert diagnostics(caught.value)["C"] == "IM006"


def test_it_does_not_begin_before_its_time_and_can_be_stopped_until_then(erasing):
    erasure = erasing.order()
    erasing.erase(erasure)
    assert erasing.call("get").state == "waiting"
    with pytest.raises(ErasureUnderWay):
        erasing.order()
    erasing.call("cancel", erasing.caller)
    assert erasing.receipt(erasure).state == "cancelled"
    with pytest.raises(ErasureNotFound):
        erasing.call("get")
    erasing.erase(erasure)
    assert erasing.rows(erasing.a)["scenes"] == 1
    again = erasing.begin()
    erasing.erase(again, settle=timedelta(minutes=15))
    with pytest.raises(ErasureBegun):
        erasing.call("cancel", erasing.caller)


def test_two_workers_are_not_at_it_at_once(erasing):
    erasure = erasing.begin()
    erasing.most = 5
    with pytest.raises(KeyboardInterrupt):
        erasing.erase(erasure, lease=600)
    erasing.most = 0
    with pytest.raises(LeaseHeld):
        erasing.erase(erasure)


def test_who_asks_says_which_account_and_has_just_signed_in(erasing, database):
    with pytest.raises(InvalidInput):
        erasing.order(account=erasing.b)
    person = Principal(USER, erasing.a, frozenset(), kind="user", user=USER)
    bearer = Credentials(authorization="Bearer token")
    erasing.tokens.auth_time = time.time() - 400
    with pytest.raises(SignInTooOld):
        erasing.order(person, bearer)
    client = Principal(USER, erasing.a, frozenset(), kind="token", user=USER)
    erasing.tokens.auth_time = time.time() - 100
    with pytest.raises(SignInTooOld):
        erasing.order(client, bearer)
    assert erasing.order(person, bearer).requested_by == USER
    erasing.call("cancel", person)
    session = new_id("ses")
    database.run(
        "insert into sessions (id, user_id, digest, device, signed_in_at, expires_at)"
        " values (:s, :u, 'd', 'x', now() - interval '1 hour', now() + interval '1 day')",
        s=session,
        u=USER,
    )
    browser = Principal(USER, erasing.a, frozenset(), kind="user", user=USER, session=session)
    with pytest.raises(SignInTooOld):
        erasing.order(browser, Credentials(cookie="c"))
    database.run("update sessions set signed_in_at = now()")
    assert erasing.order(browser, Credentials(cookie="c")).state == "waiting"


def test_an_account_of_the_platforms_own_people_is_not_erased(erasing):
    erasing.database.run("insert into platform_admins (account_id) values (:a)", a=erasing.a)
    with pytest.raises(PlatformsAccount):
        erasing.order()


def test_who_has_no_other_account_goes_altogether_and_is_not_made_anew(erasing, database):
    people = People(
        lambda uid: database.uow(identity=uid), RedisCache(RedisSettings()), erasing.vault, untold()
    )
    signed = Signed(uid="uid-9", auth_time=int(time.time()), issued_at=int(time.time()))
    ann = people.find(signed).user
    database.run(
        "insert into memberships (account_id, user_id, role) values (:a, :u, 'owner')", a=erasing.a, u=ann
    )
    database.run(
        "insert into sessions (id, user_id, digest, device, signed_in_at, expires_at)"
        " values ('ses_1', :u, 'd', 'x', now(), now() + interval '1 day')",
        u=ann,
    )
    erasure = erasing.begin()
    erasing.erase(erasure)
    assert erasing.directory.deleted == ["uid-9"]
    assert database.rows("select id from sessions") == []
    claims = jwt.decode(erasing.receipt(erasure).receipt, options={"verify_signature": False})
    assert claims["people"] == {"left": 1, "erased": 1}
    row = database.rows("select * from users where id = :u", u=ann)[0]
    assert (row.email, row.name, row.email_hash) == (None, None, None)
    with pytest.raises(CredentialEnded):
        people.find(signed)
    (mail,) = [each for each in erasing.sent if each.destination == "send_email"][-1:]
    assert mail.account == erasing.a
    database.move_clock(timedelta(hours=3))
    keep_erasures(lambda account: database.uow(account, system=True))
    assert database.rows("select id from users where id = :u", u=ann) == []
    assert database.rows("select id from users") != []


def test_the_sweep_begins_what_is_due_and_goes_on_with_what_stopped(erasing, database):
    sent = []

    def sweep():
        keep_erasures(lambda account: database.uow(account, system=True, deliver=sent.extend))

    erasure = erasing.order()
    sweep()
    assert sent == []
    database.move_clock(timedelta(hours=169))
    sweep()
    sweep()
    (effect,) = sent
    body = {"account": erasing.a, "erasure": erasure.id}
    assert (effect.kind, effect.destination, effect.payload) == ("task", "erase_account", body)
    database.move_clock(timedelta(hours=170))
    sweep()
    assert len(sent) == 2
