"""The steps of an HTTP call, in their one order."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flask import Request

from shared.core import tracing
from shared.core.again import again
from shared.core.credentials import TRIAL_TOKEN, Credentials, address_prefix
from shared.core.errors import Forbidden, ImangorError, MalformedRequest, RateLimited, Unauthenticated
from shared.core.ids import is_id
from shared.core.logs import account_hash, bound
from shared.core.metrics import Metric, count
from shared.core.scopes import PERSON
from shared.edge.content import arguments, fingerprint, read_body
from shared.edge.endpoint import Endpoint, Rate
from shared.edge.ports import ContextFactory, EdgeContext, Finished, Principal
from shared.edge.problem import log_problem, problem
from shared.edge.reply import Rendered, render
from shared.edge.request_facts import credentials_of

VISITOR = "trial"
"""The kind of a caller without an account."""


@dataclass
class Call:
    """One request on its way through the steps."""

    endpoint: Endpoint
    request: Request
    path: dict[str, str]
    request_id: str
    contexts: ContextFactory
    headers: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    reservation: Any = None

    @cached_property
    def ctx(self) -> EdgeContext:
        """The services of this request, made when a step first needs them."""
        made: EdgeContext = self.contexts.for_request(
            operation=self.endpoint.name, request_id=self.request_id
        )
        made.credentials = self.credentials
        return made

    @property
    def job(self) -> str | None:
        """The job that the path names; anything else there is a word of the caller's."""
        named = self.path.get("job_id", "")
        return named if is_id("job", named) else None

    @cached_property
    def credentials(self) -> Credentials:
        """What the request says of its sender."""
        return credentials_of(self.request)


Next = Callable[[], Rendered]
Step = Callable[[Call, Next], Rendered]


def describe_problems(call: Call, proceed: Next) -> Rendered:
    """Turn every error into a problem document."""
    try:
        return proceed()
    except Exception as error:
        log_problem(error, call.request_id, operation=call.endpoint.name)
        return problem(error, call.request_id, oauth=call.endpoint.oauth)


def log_context(call: Call, proceed: Next) -> Rendered:
    """Bind the facts of this call to every log line, and count it."""
    name, status, began = call.endpoint.name, 500, time.monotonic()
    tracing.about(operation=name, job=call.job)
    with bound(request_id=call.request_id, operation=name, job=call.job):
        try:
            reply = proceed()
            status = reply.status
            return reply
        except ImangorError as error:
            status = error.status
            raise
        finally:
            count(Metric.REQUEST_SECONDS, time.monotonic() - began, operation=name, status=status)


def authenticate(call: Call, proceed: Next) -> Rendered:
    """Find out whom the request speaks for and whether this operation is within the credential's scopes."""
    scope = call.endpoint.auth
    if call.endpoint.signed:
        named = {name.lower(): value for name, value in call.request.headers.items()}
        call.ctx.check_signature(named, read_body(call.request))
    if scope is None:
        return proceed()
    principal = call.ctx.authenticate(call.credentials) if call.credentials.any else _visitor(call)
    if principal.kind == VISITOR and call.endpoint.trial is None:
        raise Forbidden("This is not for a trial; it needs an account.")
    if principal.kind != VISITOR and not _may(principal, scope):
        raise Forbidden(f"This needs the scope {scope}.")
    if scope == PERSON:
        principal = _without_account(principal)
    call.ctx.principal = principal
    if principal.account:
        tracing.about(account_hash=account_hash(principal.account))
    with bound(account=principal.account or None, principal=principal.id):
        return proceed()


def _visitor(call: Call) -> Principal:
    """Whoever calls without a credential, where a trial may begin so."""
    visit = call.ctx.visit(call.credentials) if call.endpoint.trial == "begins" else None
    if visit is None:
        raise Unauthenticated("Send an API key or a token as `Authorization: Bearer …`.")
    call.headers[TRIAL_TOKEN] = visit.token
    return visit.visitor


def _without_account(principal: Any) -> Principal:
    """The caller as themselves: what a person does for no account neither sees one nor belongs to one."""
    alone: Principal = replace(principal, account="")
    return alone


def _may(principal: Principal, scope: str) -> bool:
    """Whether the caller may use an operation; `PERSON` is not a scope but whoever signed in.

    A token that a person let a client have may do what its scopes say, and nothing as the person.
    """
    return principal.kind == "user" if scope == PERSON else scope in principal.scopes


def limit_rate(call: Call, proceed: Next) -> Rendered:
    """Count the request, and refuse it beyond the operation's rate, or that of the caller's key.

    Headers: draft-ietf-httpapi-ratelimit-headers-10.
    """
    rule, caller = call.endpoint.rate, call.ctx.principal if call.endpoint.auth is not None else None
    known = None if caller is None or caller.kind == VISITOR else caller.id
    whom = known or address_prefix(call.credentials.address)
    if caller is not None and caller.rate is not None:
        _count(call, "key", whom, Rate(caller.rate, 60))
    if rule is not None:
        _count(call, call.endpoint.name, whom, rule)
    return proceed()


def _count(call: Call, name: str, whom: str, rule: Rate) -> None:
    state = call.ctx.rate_limit(name, whom, rule.limit, rule.window)
    reset = max(0, math.ceil(state.reset_seconds))
    _list(call, "RateLimit-Policy", f'"{name}";q={rule.limit};w={rule.window}')
    _list(call, "RateLimit", f'"{name}";r={max(0, state.remaining)};t={reset}')
    if not state.allowed:
        raise RateLimited(retry_after=math.ceil(state.retry_after))


def _list(call: Call, header: str, item: str) -> None:
    before = call.headers.get(header)
    call.headers[header] = f"{before}, {item}" if before else item


def validate(call: Call, proceed: Next) -> Rendered:
    """Read path, query, headers and content into the operation's arguments."""
    call.arguments = arguments(call.endpoint, call.request, call.path)
    return proceed()


def once(call: Call, proceed: Next) -> Rendered:
    """Do an unsafe operation once for each idempotency key, and give the same reply again."""
    key = call.request.headers.get("Idempotency-Key")
    if not call.endpoint.idempotent or key is None:
        return proceed()
    if not 1 <= len(key) <= 255 or not all(" " <= c <= "~" for c in key):
        raise MalformedRequest("Idempotency-Key must be 1 to 255 printable ASCII characters.")
    store = call.ctx.idempotency
    mark = fingerprint(call.endpoint, call.request, call.arguments)
    outcome = store.reserve(call.endpoint.name, key, mark)
    if isinstance(outcome, Finished):
        headers = {**outcome.headers, "Idempotency-Replayed": "true"}
        return Rendered(outcome.status, headers, outcome.body)
    call.reservation = outcome
    try:
        reply = proceed()
        if not call.endpoint.transaction:
            with call.ctx.unit_of_work():
                _remember(call, reply)
        return reply
    except BaseException as error:
        if call.endpoint.transaction or _did_nothing(error):
            store.abandon(outcome)
        raise


def unit_of_work(call: Call, proceed: Next) -> Rendered:
    """One transaction around the operation; the record of its key commits with the work.

    When the database undid it because of other work, it is done again at once.
    """
    if not call.endpoint.transaction:
        return proceed()

    def work() -> Rendered:
        with call.ctx.unit_of_work():
            reply = proceed()
            if call.reservation is not None:
                _remember(call, reply)
        return reply

    return again(work)


def handle(call: Call, _: Next) -> Rendered:
    """Call the operation and turn what it returns into bytes, while an error can still roll back."""
    endpoint = call.endpoint
    context = {"ctx": call.ctx} if endpoint.signature.takes_context else {}
    return render(endpoint.function(**context, **call.arguments), endpoint.status)


STEPS: tuple[Step, ...] = (
    describe_problems,
    log_context,
    authenticate,
    limit_rate,
    validate,
    once,
    unit_of_work,
    handle,
)


def run(call: Call, steps: Sequence[Step] = STEPS) -> Rendered:
    """Send a call through the steps, the first outermost."""
    return steps[0](call, lambda: run(call, steps[1:]))


def _did_nothing(error: BaseException) -> bool:
    """Whether an operation that commits by itself certainly refused before it did anything."""
    return isinstance(error, ImangorError) and error.status < 500


def _remember(call: Call, reply: Rendered) -> None:
    if not isinstance(reply.body, bytes):
        raise TypeError(f"{call.endpoint.name} is idempotent by key and cannot stream its reply")
    call.ctx.idempotency.finish(call.reservation, reply.status, reply.headers, reply.body)
