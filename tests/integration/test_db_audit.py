"""The audit log on the real database: chained, append-only, and every tampering found."""

import json
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.accounts.audit import AuditService
from shared.audit.actions import Action
from shared.audit.anchors import Anchors
from shared.audit.chain import PLATFORM
from shared.audit.entries import file_of, link
from shared.audit.log import record
from shared.audit.schemas import AuditEntry, AuditExport, AuditQuery
from shared.audit.security import SecurityEvents
from shared.auth.errors import AccountNotFound
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.db.errors import diagnostics
from tools.verify_audit import main

OWNER = Actor("user", "usr_1", None, "192.0.2.0/24", "req-1")


class Folder:
    """The bucket's part that anchors are in."""

    def __init__(self):
        self.objects = []

    def write(self, name):
        self.objects.append(name)

    def names(self, prefix):
        return iter([name for name in self.objects if name.startswith(prefix)])


class Log:
    """One account's chain."""

    def __init__(self, database):
        self.database = database
        self.account = database.account()
        self.folder = Folder()
        self.anchors = Anchors(self.folder)

    def open(self, account=None, system=False):
        return self.database.uow(account or self.account, system=system, actor=lambda: OWNER)

    def write(self, *targets):
        for target in targets:
            with self.open() as uow:
                record(uow, Action.KEY_CREATED, target, scopes="jobs:read")

    def service(self, account=""):
        return AuditService(self.account if account == "" else account, self.open, self.anchors.of)

    def publish(self):
        self.anchors.publish(lambda account: self.database.uow(account, system=True))

    def flaws(self):
        return [(flaw.what, flaw.entry) for flaw in self.service().verify().flaws]

    def tamper(self, *statements, **parameters):
        """Change something as whoever may do anything, triggers set aside."""
        with self.database._superuser.begin() as connection:
            connection.exec_driver_sql("set local session_replication_role = replica")
            for statement in statements:
                connection.execute(text(statement), {"a": self.account, **parameters})


@pytest.fixture
def log(database):
    return Log(database)


def test_entries_are_numbered_and_chained_in_the_order_of_their_commits(log):
    log.write("key_1", "key_2", "key_3")
    page = log.service().page(AuditQuery())
    assert [(e.id, e.target) for e in page.entries] == [
        ("aud_3", "key_3"),
        ("aud_2", "key_2"),
        ("aud_1", "key_1"),
    ]
    newest = page.entries[0]
    assert (newest.actor.kind, newest.actor.id, newest.address, newest.request) == (
        *("user", "usr_1"),
        *("192.0.2.0/24", "req-1"),
    )
    assert newest.facts == {"scopes": "jobs:read"}
    assert newest.previous == page.entries[1].hash
    proof = log.service().verify()
    assert (proof.proven, proof.entries, proof.anchored) == (True, 3, 0)


def test_what_is_rolled_back_was_not_done(log):
    def fail():
        with log.open() as uow:
            record(uow, Action.KEY_CREATED, "key_1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    log.write("key_2")
    assert [e.target for e in log.service().page(AuditQuery()).entries] == ["key_2"]


def test_many_writers_make_one_chain_without_gaps(log, together):
    together(*(partial(log.write, *(f"key_{n}_{i}" for i in range(5))) for n in range(8)))
    proof = log.service().verify()
    assert (proof.proven, proof.entries) == (True, 40)


def test_two_accounts_and_the_platform_do_not_lock_each_other_out(log, together):
    other = log.database.account()

    def work(first, second):
        for _ in range(5):
            with log.database.uow(first, actor=lambda: Actor("key", "key_1", second)) as uow:
                record(uow, Action.CREDITS_GRANTED, credits=1)
                record(uow, Action.CREDITS_ADJUSTED, credits=2)

    errors = together(*(partial(work, *pair) for pair in [(log.account, other), (other, log.account)] * 3))
    assert errors == [None] * 6
    counts = log.database.rows("select chain, count(*) as n from audit_entries group by chain")
    assert {row.chain: row.n for row in counts} == {log.account: 30, other: 30, PLATFORM: 60}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "update audit_entries set target = 'key_9' where chain = :a and number = 2",
            [("edited", "aud_2")],
        ),
        (
            "update audit_entries set at = at - interval '1 hour' where chain = :a and number = 2",
            [("edited", "aud_2")],
        ),
        (
            """update audit_entries set facts = '{"scopes": "admin"}' where chain = :a and number = 3""",
            [("edited", "aud_3")],
        ),
        ("delete from audit_entries where chain = :a and number = 2", [("missing", "aud_3")]),
        ("delete from audit_entries where chain = :a and number = 1", [("missing", "aud_2")]),
        ("delete from audit_entries where chain = :a and number = 4", [("truncated", "aud_4")]),
        ("delete from audit_entries where chain = :a", [("truncated", "aud_1")]),
        ("delete from audit_heads where chain = :a", [("head", "aud_4")]),
    ],
)
def test_an_edit_or_a_removal_is_found(log, change, found):
    log.write("key_1", "key_2", "key_3", "key_4")
    assert log.flaws() == []
    log.tamper(change)
    assert log.flaws() == found


def test_entries_that_change_places_are_found(log):
    log.write("key_1", "key_2", "key_3", "key_4")
    swap = "update audit_entries set number = :to where chain = :a and number = :from"
    log.tamper(swap, **{"from": 2, "to": 99})
    log.tamper(swap, **{"from": 3, "to": 2})
    log.tamper(swap, **{"from": 99, "to": 3})
    assert {what for what, _ in log.flaws()} == {"edited", "forged"}


def test_an_entry_that_was_removed_and_the_rest_renumbered_is_found(log):
    log.write("key_1", "key_2", "key_3")
    log.tamper(
        "delete from audit_entries where chain = :a and number = 2",
        "update audit_entries set number = 2 where chain = :a and number = 3",
        "update audit_heads set number = 2 where chain = :a",
    )
    assert ("edited", "aud_2") in log.flaws()


FORGE = """
insert into audit_entries (number, account_id, at, actor_kind, actor, action, previous, hash)
select number + :skip, account_id, at, actor_kind, actor, 'credits.granted', previous, {hash}
from audit_entries where chain = :a and number = 2
"""


def test_a_forged_entry_is_found(log):
    log.write("key_1", "key_2")
    log.tamper(FORGE.format(hash="hash"), skip=1)
    assert ("edited", "aud_3") in log.flaws()
    assert ("head", "aud_3") in log.flaws()


def test_an_inserted_entry_of_the_right_hash_does_not_follow(log):
    """Whoever computes hashes, too, must change all that follows."""
    log.write("key_1", "key_2", "key_3")
    log.tamper("update audit_entries set target = 'other' where chain = :a and number = 2")
    changed = next(e for e in log.service().page(AuditQuery()).entries if e.id == "aud_2")
    right = link(changed).computed()
    log.tamper("update audit_entries set hash = :h where chain = :a and number = 2", h=right)
    assert log.flaws() == [("forged", "aud_3")]


def test_a_tail_cut_off_with_its_head_is_found_by_what_was_published(log):
    log.write("key_1", "key_2", "key_3")
    log.publish()
    assert log.service().verify().anchored == 3
    log.tamper(
        "delete from audit_entries where chain = :a and number = 3",
        "update audit_heads set number = 2, anchored = 2,"
        " hash = (select hash from audit_entries where chain = :a and number = 2) where chain = :a",
    )
    assert log.flaws() == [("truncated", "aud_3")]
    log.write("key_4")
    assert log.flaws() == [("anchor", "aud_3")]


def test_heads_are_published_once_a_day_when_they_grew(log):
    log.write("key_1")
    log.publish()
    log.publish()
    assert len(log.folder.objects) == 1
    log.write("key_2")
    log.publish()
    assert len(log.folder.objects) == 1
    log.database.move_clock(timedelta(days=1, minutes=1))
    log.publish()
    assert [mark.number for mark in log.anchors.of(log.account)] == [1, 2]
    assert log.flaws() == []


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set target = 'x'",
        "delete from audit_entries",
        "truncate audit_entries",
        "delete from audit_heads",
        "truncate audit_heads cascade",
        "update audit_heads set number = 0, anchored = 0",
        "update audit_heads set hash = ''",
    ],
)
def test_not_even_the_superuser_changes_it_in_passing(log, statement):
    log.write("key_1")
    with pytest.raises(DBAPIError) as caught:
        log.database.run(statement)
    assert diagnostics(caught.value)["C"] == "IM006"


def test_what_a_writer_says_of_number_time_and_hash_does_not_count(log):
    log.write("key_1")
    with log.open() as uow:
        uow.sql(
            "insert into audit_entries (account_id, number, at, actor_kind, actor, action, previous, hash)"
            " values (:a, 77, '2000-01-01', 'key', 'key_1', 'key.revoked', 'x', 'y')",
            a=log.account,
        )
    proof = log.service().verify()
    assert (proof.proven, proof.entries) == (True, 2)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    target=st.none() | st.text(),
    facts=st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8),
        st.text() | st.integers(-9, 9**9) | st.booleans(),
        max_size=4,
    ),
)
def test_whatever_is_recorded_its_hash_is_computed_alike_from_the_row_and_the_export(log, target, facts):
    facts = {name.replace("\0", ""): value for name, value in facts.items()}
    with log.open() as uow:
        record(uow, Action.KEY_CREATED, target, **{"x" + name: value for name, value in facts.items()})
    assert log.service().verify().proven
    *_, last = file_of(log.open, log.account, AuditExport())
    exported = link(AuditEntry.model_validate(json.loads(last)))
    assert exported.computed() == exported.hash


def test_the_export_is_recorded_and_complete(log):
    log.write("key_1", "=key_2")
    lines = [json.loads(line) for line in log.service().export(AuditExport())]
    assert [line["action"] for line in lines] == ["key.created", "key.created", "audit.exported"]
    header, *rows = b"".join(log.service().export(AuditExport(format="csv"))).decode().splitlines()
    assert header.startswith("id,chain,at,actor_kind,actor,action,target")
    assert len(rows) == 4
    assert ",'=key_2," in rows[1]


def test_the_command_verifies_the_database_and_an_export(log, tmp_path, capsys):
    log.write("key_1", "key_2", "key_3")
    url = ["--database-url", log.database.server.url("postgres")]
    assert main(url) == 0
    lines = list(log.service().export(AuditExport()))
    export, anchors = tmp_path / "audit.jsonl", tmp_path / "heads.jsonl"
    export.write_bytes(b"".join(lines))
    assert main(["--export", str(export)]) == 0
    newest = json.loads(lines[-1])
    head = {"chain": log.account, "number": 4, "hash": newest["hash"]}
    anchors.write_text(json.dumps({"jsonPayload": {"message": "an audit chain's head", "audit_head": head}}))
    assert main([*url, "--anchors", str(anchors)]) == 0
    log.tamper("delete from audit_entries where chain = :a", "delete from audit_heads where chain = :a")
    assert main(url) == 0
    assert main([*url, "--anchors", str(anchors)]) == 1
    export.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert main(["--export", str(export)]) == 1
    assert capsys.readouterr().err.split("\n")[:2] == [
        f"{log.account}: truncated aud_4",
        f"{log.account}: missing aud_3",
    ]


def test_a_page_is_filtered_and_goes_on(log):
    log.write("key_1", "key_2", "key_3")
    service = log.service()
    first = service.page(AuditQuery(limit=2))
    second = service.page(AuditQuery(limit=2, cursor=first.next_cursor))
    assert [e.target for e in second.entries] == ["key_1"]
    assert second.next_cursor is None
    assert [e.id for e in service.page(AuditQuery(target="key_2")).entries] == ["aud_2"]
    assert service.page(AuditQuery(action=Action.KEY_REVOKED)).entries == []
    assert service.page(AuditQuery(actor="usr_2")).entries == []


def test_what_an_admin_does_stands_in_both_chains_and_says_so(log):
    admin = log.database.account()
    log.database.run("insert into platform_admins (account_id) values (:a)", a=admin)
    with log.database.uow(log.account, actor=lambda: Actor("key", "key_9", admin)) as uow:
        record(uow, Action.CREDITS_GRANTED, "ref", credits=5)
    (entry,) = log.service().page(AuditQuery()).entries
    assert (entry.actor.kind, entry.actor.id) == ("admin", "key_9")
    own = AuditService(None, lambda: log.open(admin), log.anchors.of)
    (entry,) = own.page(AuditQuery()).entries
    assert entry.facts == {"account": log.account, "credits": 5}
    assert own.verify().proven


def test_the_platforms_chain_is_seen_by_its_own_people_alone(log):
    with log.database.uow(actor=lambda: OWNER) as uow:
        record(uow, Action.SIGN_IN_FAILED)
    assert AuditService(None, log.open, log.anchors.of).page(AuditQuery()).entries == []
    with pytest.raises(AccountNotFound):
        log.service(new_id("acc")).page(AuditQuery())


def test_a_security_event_is_recorded_in_a_unit_of_work_of_its_own_and_never_raises(log):
    events = SecurityEvents(lambda account: log.database.uow(account), lambda: OWNER)
    events.tell(Action.ATTEMPTS_LIMITED, "img_live_…", tries=20)
    events.tell(Action.ATTEMPTS_LIMITED, account=log.account)
    assert log.database.value("select count(*) from audit_entries where chain = 'platform'") == 1
    assert log.database.value("select count(*) from audit_entries where chain = :a", a=log.account) == 1

    def broken(account):
        raise RuntimeError

    SecurityEvents(broken, lambda: OWNER).tell(Action.SIGN_IN_FAILED)
