"""Dead letters: kept with why, sent again as they came, back again when they are given up again."""

import pytest

from shared.auth.principal import Principal
from shared.backlog.errors import LetterNotFound, LetterRedriven
from shared.backlog.letters import KEEPER, DeadLetterDesk
from shared.backlog.schemas import MOST_AT_ONCE, LetterFilter, RedriveLetters
from shared.core.actor import Actor
from shared.db.inbox import Inbox
from shared.db.outbox import claim_unsent
from shared.jobs.rejected import DeadLetters

SOURCE = "//imangor/outbox"


class Desk:
    """An admin at the desk, and the function that keeps what is given up."""

    def __init__(self, database):
        self.database, self.sent, self.reasons = database, [], {}
        self.admin = Principal("key_1", database.account(), frozenset({"admin"}))

    def open(self, account):
        actor = Actor("key", self.admin.id, self.admin.account)
        return self.database.uow(account, system=True, deliver=self.sent.extend, actor=lambda: actor)

    def give_up(self, number, subscription="on-job-event"):
        """As `on_dead_letter` is called; whether it had not kept this one before."""
        attributes = {"ce-source": SOURCE, "ce-id": f"evt_{number}"}
        attributes |= {"CloudPubSubDeadLetterSourceSubscription": subscription}
        attributes |= {"CloudPubSubDeadLetterSourceDeliveryCount": "5", "googclient_schemaencoding": "JSON"}
        identity = f"{SOURCE}#evt_{number}"
        with self.database.uow(system=True) as uow:
            first = Inbox(uow).first_time(KEEPER, identity)
            if first:
                DeadLetters(uow, self.reasons.get).keep(identity, attributes, f'{{"number": {number}}}')
        return first

    def do(self, operation, *arguments):
        return getattr(DeadLetterDesk(self.open), operation)(self.admin, *arguments)

    def listed(self, **query):
        return self.do("page", LetterFilter(**query)).letters

    def recorded(self):
        rows = self.database.rows("select action, target from audit_entries order by number")
        return [tuple(row) for row in rows]


@pytest.fixture
def desk(database):
    return Desk(database)


def test_what_was_given_up_is_listed_with_why_and_how_to_find_it(desk):
    desk.reasons[f"{SOURCE}#evt_1"] = "storage-unavailable"
    for number in range(1, 4):
        desk.give_up(number, "on-upload" if number == 3 else "on-job-event")
    first = desk.do("page", LetterFilter(limit=2))
    rest = desk.do("page", LetterFilter(limit=2, cursor=first.next_cursor))
    assert [letter.subscription for letter in first.letters] == ["on-upload", "on-job-event"]
    (oldest,) = rest.letters
    assert rest.next_cursor is None
    assert (oldest.reason, oldest.deliveries, oldest.returned) == ("storage-unavailable", 5, 0)
    assert len(oldest.event) == 16
    assert [letter.id for letter in desk.listed(subscription="on-upload")] == [first.letters[0].id]
    assert desk.listed(account=desk.admin.account) == []


def test_one_is_sent_again_as_it_came_once(desk):
    desk.give_up(1)
    (letter,) = desk.listed()
    sent = desk.do("redrive", letter.id)
    assert (sent.redriven_by, sent.redriven_at is not None) == ("key_1", True)
    (effect,) = desk.sent
    assert (effect.kind, effect.destination) == ("message", "on-job-event")
    own = {"ce-source": SOURCE, "ce-id": "evt_1"}
    assert effect.payload == {"data": '{"number": 1}', "attributes": own}
    with pytest.raises(LetterRedriven):
        desk.do("redrive", letter.id)
    assert desk.listed() == []
    assert [each.id for each in desk.listed(redriven=True)] == [letter.id]
    assert desk.recorded() == [("dead_letter.redriven", letter.id)]


def test_one_that_is_given_up_again_comes_back_and_a_copy_of_the_first_does_not(desk):
    desk.give_up(1)
    assert not desk.give_up(1)
    (letter,) = desk.listed()
    desk.do("redrive", letter.id)
    desk.reasons[f"{SOURCE}#evt_1"] = "ValueError"
    assert desk.give_up(1)
    (back,) = desk.listed()
    assert (back.id, back.returned, back.reason) == (letter.id, 1, "ValueError")
    assert (back.redriven_at, back.redriven_by) == (None, None)
    assert not desk.give_up(1)
    desk.do("redrive", letter.id)
    assert len(desk.sent) == 2


def test_all_of_a_subscription_go_in_portions(desk):
    for number in range(MOST_AT_ONCE + 2):
        desk.give_up(number)
    desk.give_up(999, "on-upload")
    order = RedriveLetters(subscription="on-job-event")
    first, second, third = (desk.do("redrive_all", order) for _ in range(3))
    assert (first.redriven, first.left) == (MOST_AT_ONCE, True)
    assert (second.redriven, second.left) == (2, False)
    assert third.redriven == 0
    assert [letter.subscription for letter in desk.listed()] == ["on-upload"]


def test_two_who_send_all_again_share_the_letters(desk, together):
    for number in range(20):
        desk.give_up(number)
    order = RedriveLetters(subscription="on-job-event")
    together(*(lambda: desk.do("redrive_all", order) for _ in range(4)))
    sent = [effect.payload["attributes"]["ce-id"] for effect in desk.sent]
    assert sorted(sent) == sorted(f"evt_{number}" for number in range(20))


def test_what_a_crash_left_is_sent_by_the_sweep(desk):
    desk.give_up(1)
    (letter,) = desk.listed()
    desk.do("redrive", letter.id)
    desk.database.run("update outbox set claimed_until = clock_now() - interval '1 second'")
    with desk.database.uow(system=True) as uow:
        (effect,) = claim_unsent(uow, 10)
    assert effect.kind == "message"


def test_what_is_thrown_away_is_gone_and_recorded(desk):
    desk.give_up(1)
    (letter,) = desk.listed()
    desk.do("discard", letter.id)
    assert desk.listed() == []
    for operation in ("discard", "redrive"):
        with pytest.raises(LetterNotFound):
            desk.do(operation, letter.id)
    assert desk.recorded() == [("dead_letter.discarded", letter.id)]
    assert not desk.give_up(1)
