"""Payments that are told more than once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from shared.webhooks.signature import secret_bytes, sign
from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run

INDEXES = {
    "ledger_reference_once": "(account_id, reference) where reference is not null",
    "ledger_payment_once": "(reference) where reference like 'payment:%'",
}


class RefundedTwice(Row):
    number = 30
    name = "a refund delivered twice"
    fault = "the provider tells of one refund four times at once and once more later"
    expects = "one entry"
    guard = "the unique indexes of references"
    breaks = ("I2",)
    credits = 10

    def strike(self, run: Run) -> None:
        bought, refunded = f"{run.account}.p", f"{run.account}.r"
        self._tell(run, "purchase", bought, 30)
        told = run.together(4, lambda _: self._tell(run, "refund", refunded, 12, purchase=bought))
        told.append(self._tell(run, "refund", refunded, 12, purchase=bought))
        run.struck += sum(status == 200 for status in told)

    def _tell(self, run: Run, kind: str, reference: str, credits: int, **data: str) -> int:
        about = {"account": run.account, "reference": reference, "credits": credits, **data}
        body = json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": about}).encode()
        secret = secret_bytes(run.cloud.cloud.state.secret("payments"))
        headers = sign([secret], "msg_1", int(time.time()), body) | {"Content-Type": "application/json"}
        url = f"{run.cloud.cloud.gateway}/v1/credits/payments"
        try:
            return requests.post(url, data=body, headers=headers, timeout=60).status_code
        except requests.RequestException:
            return 0

    def expect(self, run: Run) -> Iterator[str]:
        refunds = run.value(
            "select count(*) from ledger_transactions where account_id = :a and kind = 'refund'"
        )
        if refunds != 1:
            yield f"I2 one refund is in the books {refunds} times"
        left = run.value("select available from balances where account_id = :a")
        if left != 28:
            yield f"I2 {left} credits are left of 10 and 30, less 12"

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        for name, columns in INDEXES.items():
            run.without_sql(
                f"drop index {name}", f"create unique index {name} on ledger_transactions {columns}"
            )
        yield
