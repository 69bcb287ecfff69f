"""Sessions of people who signed in."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import identity_tokens, redis_cache, sign_ins
from shared.wiring.people import PeopleServices

if TYPE_CHECKING:
    from shared.auth.sessions import LiveSessions
    from shared.sessions.service import SessionService


class SessionServices(PeopleServices):
    """Which sessions live, and what their people do with them."""

    @cached_property
    def live_sessions(self) -> LiveSessions:
        """The sessions that have not ended."""
        from shared.auth.sessions import LiveSessions

        return LiveSessions(lambda digest, user: self.open(None, digest, user=user), redis_cache())

    @cached_property
    def sessions(self) -> SessionService:
        """The sessions of the person who calls."""
        from shared.sessions.service import SessionService

        return SessionService(
            lambda: self.uow, self.open_for_caller, identity_tokens, sign_ins, self.failed_sign_ins
        )
