"""/v1/sessions: browsers that a person signed in."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.sessions.cookies import clear_cookie
from shared.sessions.errors import SessionNotFound, SignInTooOld
from shared.sessions.schemas import CreateSession, RenameSession, Session, SessionId, SessionList


# The cookie is given once, and the identity service is asked for it outside of transactions.
@http.post(
    "/",
    auth="person",
    rate="30/minute",
    status=201,
    idempotent=False,
    transaction=False,
    errors=[SignInTooOld],
)
def create_session(ctx: Context, body: CreateSession | None) -> Reply[Session]:
    """Sign a browser in: an ID token, of somebody who signed in just now, becomes a cookie that stays.

    Calls that change something take the cookie only with an `Origin` of this service or an allowed one.
    """
    made, cookie = ctx.sessions.create(ctx.caller, ctx.credentials, body or CreateSession())
    return Reply(made, headers={"Location": f"/v1/sessions/{made.id}", **cookie})


@http.get("/", auth="person", rate="300/minute")
def list_sessions(ctx: Context) -> SessionList:
    """List your sessions that have not ended, newest first."""
    return ctx.sessions.all(ctx.caller)


@http.patch("/{session_id}", auth="person", rate="60/minute", errors=[SessionNotFound])
def rename_session(ctx: Context, session_id: SessionId, body: RenameSession) -> Session:
    """Give a session a name to know it by."""
    return ctx.sessions.rename(ctx.caller, session_id, body)


@http.delete("/{session_id}", auth="person", rate="60/minute", status=204, errors=[SessionNotFound])
def revoke_session(ctx: Context, session_id: SessionId) -> None:
    """End a session at once, wherever it is, and the tokens that clients were let have by it."""
    ctx.sessions.revoke(session_id)


@http.delete("/current", auth="person", rate="60/minute", status=204, errors=[SessionNotFound])
def sign_out(ctx: Context) -> Reply[None]:
    """End the session that this call is made with, and take its cookie away."""
    ctx.sessions.sign_out(ctx.caller)
    return Reply(None, headers=clear_cookie(ctx.credentials))


@http.delete("/", auth="person", rate="10/minute", status=204, idempotent=False, transaction=False)
def revoke_all_sessions(ctx: Context) -> Reply[None]:
    """Sign out everywhere: every session, token and grant of yours ends, this one included."""
    ctx.sessions.revoke_all(ctx.caller)
    return Reply(None, headers=clear_cookie(ctx.credentials))


MINE = (list_sessions, rename_session, revoke_session)
sessions = mount("sessions", create_session, sign_out, *MINE, revoke_all_sessions)
