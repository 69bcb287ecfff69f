"""What may not stand in a line, and so does not, whoever wrote it: words of customers, and who they are."""

import json
import logging
from datetime import date
from pathlib import Path

import pytest

from shared.core import logs
from shared.core.ids import new_id

WORDS = "quoted words"


def told(message="m", args=(), error=None, name="shared.room", **fields):
    """The line that a record becomes."""
    found = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord(name, logging.ERROR, "f", 1, message, args, found)
    record.fields = fields
    return json.loads(logs.CloudFormatter("jobs").format(record))


def raised(act):
    """What an act raises, with its traceback."""
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


@pytest.mark.parametrize(
    "act",
    [
        lambda: int(WORDS),
        lambda: {}[WORDS],
        lambda: date.fromisoformat(WORDS),
        lambda: (WORDS + "ä").encode("ascii"),
        lambda: Path("/", WORDS).read_bytes(),
        lambda: json.loads(WORDS),
    ],
)
def test_exceptions_that_quote_what_they_were_given_are_written_without_it(act):
    error = raised(act)
    message = told(error=error)["message"]
    assert f"{type(error).__qualname__}" in message.splitlines()[-1]
    # The source line of the call is code; it stands in the traceback.
    assert WORDS not in message


def test_exceptions_about_the_program_say_what_is_wrong_with_it():
    assert "TypeError: object of type 'int' has no len()" in told(error=raised(lambda: len(3)))["message"]
    assert "has no attribute 'absent'" in told(error=raised(lambda: None.absent))["message"]
    missing = told(error=raised(lambda: Path("/absent").read_bytes()))["message"]
    assert "FileNotFoundError: No such file or directory\n" in missing


def test_of_a_library_s_message_only_the_template_is_written():
    line = told("Retrying (%s) after %r: %s", ("Retry", OSError(), f"/o?name={WORDS}"), name="urllib3.pool")
    assert line["message"] == "Retrying (%s) after %r: %s"
    assert told("took %s", (WORDS,))["message"] == f"took {WORDS}"


def test_accounts_and_people_are_hashes_wherever_they_stand():
    account, person, key = new_id("acc"), new_id("usr"), new_id("key")
    hidden = logs.account_hash(account)
    with logs.bound(account=account, principal=person):
        line = told(
            f"of {account}", path=f"uploads/{account}/x", findings=[f"a {account}", {"by": person}], key=key
        )
    assert account not in json.dumps(line)
    assert person not in json.dumps(line)
    assert line["account_hash"] == hidden
    assert line["principal"] == "usr#" + logs.account_hash(person)
    assert line["message"] == f"of acc#{hidden}"
    assert line["path"] == f"uploads/acc#{hidden}/x"
    assert line["findings"][0] == f"a acc#{hidden}"
    assert line["key"] == key


def test_an_audit_chain_s_head_names_its_chain():
    """Who verifies a chain by what the logs kept of it compares them with the database's."""
    head = {"chain": new_id("acc"), "number": 1}
    assert told(audit_head=head)["audit_head"] == head


def test_a_fact_that_is_no_json_is_written_as_text_without_ids():
    account = new_id("acc")

    class Odd:
        def __str__(self):
            return f"odd {account}"

    assert told(odd=Odd())["odd"] == f"odd acc#{logs.account_hash(account)}"
