"""The authorization endpoint (RFC 6749, 4.1.1; RFC 7636): a person lets a registered client in.

The clients are the deployment's own, so nobody is asked for consent; codes go to registered addresses alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from shared.auth.errors import AccountNotFound
from shared.auth.principal import Principal
from shared.core.errors import Forbidden
from shared.core.scopes import SCOPES
from shared.db.unit_of_work import UnitOfWork
from shared.tokens.clients import PublicClients
from shared.tokens.errors import InvalidTokenRequest
from shared.tokens.grants import Grants, account_of_member
from shared.tokens.schemas import AuthorizationRequest

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Authorization:
    """Gives out codes."""

    def __init__(
        self,
        open_uow: Callable[[str], UnitOfWork],
        open_own: Callable[[], UnitOfWork],
        clients: PublicClients,
        issuer: str,
    ) -> None:
        """`open_uow` opens a unit of work of an account, `open_own` one that sees the person's own rows."""
        self._open_uow = open_uow
        self._open_own = open_own
        self._clients = clients
        self._issuer = issuer

    def authorize(self, person: Principal, order: AuthorizationRequest) -> str:
        """Where to send the browser: to the client, with a code or with what is wrong.

        Raises `InvalidTokenRequest` for a client or an address that is not registered: nobody is sent there.
        Raises `Forbidden` for somebody who did not come by a session, `AccountNotFound`.
        """
        if not self._clients.may_redirect(order.client_id, order.redirect_uri):
            raise InvalidTokenRequest("This client is not registered with this redirect_uri.")
        if person.session is None or person.user is None:
            raise Forbidden("Only somebody who is signed in by a session lets clients in.")
        error = _mistake(order)
        answer = {"error": error} if error else {"code": self._code(person, person.user, order)}
        state = {} if order.state is None else {"state": order.state}
        return _with_query(order.redirect_uri, {**answer, **state, "iss": self._issuer})

    def _code(self, person: Principal, user: str, order: AuthorizationRequest) -> str:
        with self._open_own() as uow:
            account = account_of_member(uow, user, order.account)
        if account is None:
            raise AccountNotFound()
        code = secrets.token_urlsafe(32)
        with self._open_uow(account) as uow:
            Grants(uow).add(
                code,
                user_id=user,
                client_id=order.client_id,
                redirect_uri=order.redirect_uri,
                challenge=order.code_challenge,
                scopes=sorted(set((order.scope or "").split()) or SCOPES),
                session_id=person.session,
            )
        return code


def _mistake(order: AuthorizationRequest) -> str | None:
    """The word for what is wrong with a request that can be answered at the client."""
    if order.response_type != "code":
        return "unsupported_response_type"
    if order.code_challenge_method != "S256" or not _CHALLENGE.fullmatch(order.code_challenge):
        return "invalid_request"
    return None if set((order.scope or "").split()) <= set(SCOPES) else "invalid_scope"


def _with_query(uri: str, more: dict[str, str]) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(more))))))
