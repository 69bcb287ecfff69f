"""E-mails on their way: the row, the worker and a real mail server."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from local.mail.box import Mailbox, latest, shown
from shared.core.clock import utc_now
from shared.core.config import MailSettings, Misconfigured
from shared.core.ids import new_id
from shared.db.leases import LeaseHeld, LeaseLost
from shared.mail.errors import MailPutOff, MailRefused, MailServerDown
from shared.mail.letters import Kind, letter
from shared.mail.message import message
from shared.mail.messages import FUNCTION, SendEmail
from shared.mail.post import Postman, envelope
from shared.mail.smtp import MailServer
from tests.integration.test_people import Vault

FACTS = {"account": "Acme", "inviter": "Ann", "role": "editor", "expires": "soon"}
FACTS |= {"link": "https://app.example/#invitation=x"}


def settings(url: str) -> MailSettings:
    return MailSettings(smtp_url=url, mail_from="no-reply@imangor.test", app_url="https://app.example/")


@pytest.fixture
def box(tmp_path):
    """A running mail server, and the folder of what it got."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Mailbox(tmp_path), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    yield tmp_path, f"smtp://127.0.0.1:{port}"
    controller.stop()


class Office:
    def __init__(self, database, url: str):
        self.database, self.account, self.vault = database, database.account(), Vault()
        self.server = MailServer(settings(url))
        self.postman = Postman(database.uow, self.vault, lambda: self.server)
        self.sent = []

    def post(self, recipient: str = "bob@example.com") -> SendEmail:
        made = envelope(self.vault, Kind.INVITATION, recipient, FACTS)
        with self.database.uow(self.account, deliver=self.sent.extend) as uow:
            made.post(uow)
        (effect,) = self.sent[-1:]
        assert effect.destination == FUNCTION
        return SendEmail.model_validate(effect.payload)

    def row(self):
        (row,) = self.database.rows("select * from emails")
        return row


@pytest.fixture
def office(database, box):
    return Office(database, box[1])


def test_an_email_leaves_once_and_is_forgotten(office, box):
    task = office.post()
    assert (office.row().state, bytes(office.row().sealed)[:9]) == ("pending", b"mail:eml_")
    for _ in range(2):
        office.postman.send(task, 60)
    assert (office.row().state, office.row().sealed, office.row().error) == ("sent", None, None)
    (mail,) = map(shown, latest(box[0]))
    assert (mail["to"], mail["message-id"]) == ("bob@example.com", f"<{task.email}@imangor.test>")
    assert "Ann invites you to the account “Acme” on Imangor, as editor." in mail["text"]


@pytest.mark.parametrize(
    ("recipient", "error"), [("bob@refused.test", MailRefused), ("bob@busy.test", MailPutOff)]
)
def test_what_the_server_refuses_is_told_and_may_be_tried_again_at_once(office, box, recipient, error):
    task = office.post(recipient)
    for _ in range(2):
        with pytest.raises(error):
            office.postman.send(task, 60)
    assert office.row().state == "pending"
    office.postman.give_up(task, error())
    assert (office.row().state, office.row().sealed, office.row().error) == ("failed", None, error.slug)
    office.postman.send(task, 60)
    assert latest(box[0]) == []


def test_a_server_that_is_away_is_away_for_everybody(database):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        office = Office(database, f"smtp://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(MailServerDown):
            office.postman.send(office.post(), 60)


def test_two_workers_never_send_at_the_same_time(office, box):
    task, other = office.post(), Postman(office.database.uow, office.vault, lambda: office.server)

    class Slow:
        sender = office.server.sender

        def send(self, message) -> None:
            with pytest.raises(LeaseHeld):
                other.send(task, 60)
            office.server.send(message)

    Postman(office.database.uow, office.vault, Slow).send(task, 60)
    assert len(latest(box[0])) == 1


def test_a_worker_whose_lease_ran_out_records_nothing(office, box):
    task = office.post()

    class Slow:
        sender = office.server.sender

        def send(self, message) -> None:
            office.database.run("update leases set expires_at = clock_now()")
            office.postman.send(task, 60)

    with pytest.raises(LeaseLost):
        Postman(office.database.uow, office.vault, Slow).send(task, 60)
    assert office.row().state == "sent"


def test_a_task_for_another_accounts_email_does_nothing(office, box):
    task = office.post()
    office.postman.send(task.model_copy(update={"account": office.database.account()}), 60)
    office.postman.send(task.model_copy(update={"email": new_id("eml")}), 60)
    assert office.row().state == "pending"
    assert latest(box[0]) == []


def test_a_mail_in_other_letters_arrives_as_it_was_written(box):
    server = MailServer(settings(box[1]))
    facts = FACTS | {"account": "株式会社 Ünïcode"}
    server.send(message(letter(Kind.INVITATION, facts), "eml_1", server.sender, "ü@x.example", utc_now()))
    (mail,) = latest(box[0])
    assert "株式会社" in str(mail["Subject"])
    assert message_from_bytes(bytes(mail), policy=policy.default)["To"] == "ü@x.example"


@pytest.mark.parametrize(
    "url", ["smtp://mail.example.org", "http://x.example", "smtps://", "mail.example", ""]
)
def test_mail_goes_encrypted_or_stays_on_this_machine(url):
    with pytest.raises(Misconfigured):
        MailServer(settings(url))
