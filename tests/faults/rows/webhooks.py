"""Messages to customers that are sent twice, refused, or never answered."""

from __future__ import annotations

from collections.abc import Iterator

from local.receiver import HANG, Answer, Receiver
from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run


def listen(run: Run, receiver: Receiver) -> None:
    """Have the account's events sent to a receiver."""
    reply = run.call("POST", "/v1/webhooks/endpoints", json={"url": receiver.url})
    assert reply is not None
    assert reply.status_code == 201, reply.text


class KilledAfterSending(Row):
    number = 8
    name = "kill -9 after the webhook is sent, before that is recorded"
    fault = "the sender is killed when the receiver has the message and nobody knows"
    expects = "the message comes again with the same webhook-id, and counts as delivered"
    guard = "a message's id is its event's"
    guards = ("webhook-id",)
    breaks = ("I3",)

    def strike(self, run: Run) -> None:
        with Receiver() as receiver:
            listen(run, receiver)
            order = run.arm("send.after", "kill", match="")
            run.create()
            run.strike(order)
            run.settle()
            self.ids = [request.headers["webhook-id"] for request in receiver.requests]

    def expect(self, run: Run) -> Iterator[str]:
        if not 2 <= len(self.ids) <= 3:
            yield f"I3 the message came {len(self.ids)} times"
        if len(set(self.ids)) != 1:
            yield f"I3 one event was sent under the ids {self.ids}"


class Unwilling(Row):
    number = 26
    name = "a receiver answers 500, 410 or 302, or hangs"
    fault = "the customer's server fails twice, is gone, points elsewhere, or says nothing"
    expects = "the schedule goes on; 410 disables the endpoint; no redirect is followed"
    guard = "the schedule of tries"
    guards = ("webhook-schedule",)
    breaks = ("I3",)

    def strike(self, run: Run) -> None:
        kinds = ("fails", "gone", "elsewhere", "hangs")
        self.kind = kinds[0] if run.control else kinds[run.seed % len(kinds)]
        with Receiver() as receiver, Receiver() as other:
            answers = {
                "fails": (500, 500, 200),
                "gone": (410,),
                "elsewhere": (Answer(302, {"Location": other.url}), 200),
                "hangs": (HANG, 200),
            }
            receiver.answer(*answers[self.kind])
            listen(run, receiver)
            run.create()
            run.settle()
            run.struck += len(receiver.requests)
            self.elsewhere = len(other.requests)
            self.ids = {request.headers["webhook-id"] for request in receiver.requests}

    def expect(self, run: Run) -> Iterator[str]:
        state, tries = run.sql(
            "select state, tries from webhook_deliveries where account_id = :a order by created_at limit 1",
            a=run.account,
        )[0]
        wanted = {"fails": ["delivered", 3], "gone": ["dead", 1]}.get(self.kind, ["delivered", 2])
        if [state, tries] != wanted:
            yield f"I3 the delivery is {state} after {tries} tries: {self.kind}"
        if self.elsewhere:
            yield "I3 a redirect was followed"
        endpoint = run.value("select state from webhook_endpoints where account_id = :a")
        if (endpoint == "disabled") != (self.kind == "gone"):
            yield f"I3 the endpoint is {endpoint}: {self.kind}"
        if len(self.ids) != 1:
            yield f"I3 one event was sent under {len(self.ids)} ids"
