"""The audit log is verified by itself, and a break is told of."""

from datetime import timedelta

from shared.audit.actions import Action
from shared.audit.chain import PLATFORM
from shared.audit.log import record
from shared.audit.upkeep import AuditUpkeep

from .test_db_audit import OWNER
from .test_db_audit import log as log


def test_every_chain_is_verified_once_a_day_and_a_broken_one_is_told_of(log):
    told = []

    def sweep():
        def opened(account):
            return log.database.uow(account, system=True)

        def tell(action, target=None, account=None, **facts):
            told.append((action, target, account, facts))

        AuditUpkeep(opened, log.anchors.of, tell).prove()

    log.write("key_1", "key_2", "key_3")
    with log.database.uow(actor=lambda: OWNER) as uow:
        record(uow, Action.SIGN_IN_FAILED)
    sweep()
    assert told == []
    log.tamper("update audit_entries set target = 'key_9' where chain = :a and number = 2")
    sweep()
    assert told == []
    log.database.move_clock(timedelta(days=1, minutes=1))
    for _ in range(2):
        sweep()
    facts = {"what": "edited", "entry": "aud_2", "flaws": 1}
    assert told == [(Action.AUDIT_BROKEN, log.account, None, facts)]
    told.clear()
    log.tamper("update audit_entries set actor = 'nobody' where chain = 'platform'")
    log.publish()
    last = "(select hash from audit_entries where chain = :a and number = 2)"
    log.tamper(
        "delete from audit_entries where chain = :a and number = 3",
        f"update audit_heads set number = 2, anchored = 2, hash = {last} where chain = :a",  # noqa: S608
    )
    log.database.move_clock(timedelta(days=3))
    sweep()
    assert {(target, facts["what"]) for _, target, _, facts in told} == {
        (log.account, "edited"),
        (PLATFORM, "edited"),
    }
    assert next(facts for _, target, _, facts in told if target == log.account)["flaws"] > 1
