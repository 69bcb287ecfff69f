"""What a driver's complaints mean to callers."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.db.errors import (
    DatabaseBusy,
    DatabaseConflict,
    DatabaseDown,
    IllegalTransition,
    diagnostics,
    refused,
    translate,
    violated,
)


def complaint(code=None, kind=DBAPIError, lost=False, **fields):
    facts = ({"C": code} | fields,) if code else ("can't connect",)
    return kind("select 1", {}, Exception(*facts), connection_invalidated=lost)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (complaint("IM001"), IllegalTransition),
        (complaint("40001"), DatabaseConflict),
        (complaint("40P01"), DatabaseConflict),
        (complaint("55P03"), DatabaseBusy),
        (complaint("57014"), DatabaseBusy),
        (complaint("57P01"), DatabaseDown),
        (complaint("57P03"), DatabaseDown),
        (complaint("53300"), DatabaseDown),
        (complaint(kind=InterfaceError), DatabaseDown),
        (complaint(kind=OperationalError), DatabaseDown),
        (complaint("XX000", lost=True), DatabaseDown),
        (PoolTimeout(), DatabaseDown),
        (ConnectionRefusedError(), DatabaseDown),
        (TimeoutError(), DatabaseDown),
        (complaint("23505", IntegrityError), None),
        (complaint("42703", OperationalError), None),
        (ValueError(), None),
        (KeyboardInterrupt(), None),
    ],
)
def test_a_complaint_is_one_of_our_errors_or_a_fault_of_ours(error, meaning):
    found = translate(error)
    assert (found and type(found)) is meaning


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (complaint("23514"), True),
        (complaint("40001"), True),
        (complaint("57014"), True),
        (complaint("57P01"), False),
        (complaint("08006"), False),
        (complaint(kind=InterfaceError), False),
        (ConnectionResetError(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_the_server_itself_can_say_that_it_did_not_commit(error, certain):
    assert refused(error) is certain


def test_callers_may_try_again_what_the_database_undid_but_not_an_illegal_move():
    assert (DatabaseBusy.retry, DatabaseDown.retry, IllegalTransition.retry) == (True, True, False)


def test_a_broken_constraint_is_known_by_its_name():
    error = complaint("23514", n="balance_covers")
    assert violated(error, "balance_covers")
    assert not violated(error, "another")
    assert diagnostics(complaint()) == {}
