"""Why events failed, as it is remembered for whoever keeps them."""

from shared.core.errors import ImangorError
from shared.queue.failures import EventFailures


class Lost(ImangorError):
    """It says something of a customer."""

    slug = "lost"


def test_of_a_failure_its_kind_is_remembered_and_nothing_that_it_says(valkey):
    failures = EventFailures(valkey)
    assert failures.why("a") is None
    failures.note("a", Lost("acc_1 wrote Hello"))
    assert failures.why("a") == "lost"
    failures.note("a", ValueError("Hello"))
    assert failures.why("a") == "ValueError"


def test_without_redis_no_reason_is_known(away):
    failures = EventFailures(away)
    failures.note("a", ValueError())
    assert failures.why("a") is None
