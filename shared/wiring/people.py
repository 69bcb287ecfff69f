"""People: who they are, what they belong to, and what is sent to them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import MailSettings, WelcomeSettings
from shared.wiring.clients import directory, mail_server, redis_cache
from shared.wiring.security import SecurityServices
from shared.wiring.vault import VaultServices

if TYPE_CHECKING:
    from shared.auth.people import People
    from shared.db.unit_of_work import UnitOfWork
    from shared.mail.post import Postman
    from shared.members.administration import UserAdministration
    from shared.members.belonging import BelongingService
    from shared.members.invitations import InvitationService
    from shared.members.membership import MemberService
    from shared.members.syncing import IdentitySync


class PeopleServices(VaultServices, SecurityServices):
    """What is known of people and done for them."""

    @cached_property
    def people(self) -> People:
        """Finds people by what the identity service says of them."""
        from shared.auth.people import People

        return People(
            lambda uid: self.open(None, identity=uid), redis_cache(), self.vault, self.failed_sign_ins
        )

    @cached_property
    def members(self) -> MemberService:
        """The people of the caller's account."""
        from shared.members.membership import MemberService

        return MemberService(lambda: self.uow, self.open_for_caller, lambda: self.vault)

    @cached_property
    def invitations(self) -> InvitationService:
        """The invitations to the caller's account."""
        from shared.members.invitations import InvitationService

        return InvitationService(
            lambda: self.uow, self.open_for_caller, lambda: self.vault, lambda: MailSettings.load().app_url
        )

    @cached_property
    def belonging(self) -> BelongingService:
        """The accounts of the person who calls."""
        from shared.members.belonging import BelongingService

        def present(token_hash: bytes) -> UnitOfWork:
            return self.open(None, token_hash.hex(), user=self.caller.user)

        return BelongingService(lambda: self.uow, present, lambda: WelcomeSettings.load().welcome_credits)

    @cached_property
    def user_administration(self) -> UserAdministration:
        """Everybody, as platform admins find and change them."""
        from shared.members.administration import UserAdministration

        return UserAdministration(self.open, lambda: self.vault)

    @cached_property
    def identity_sync(self) -> IdentitySync:
        """Tells the identity service what the database says of people."""
        from shared.members.syncing import IdentitySync

        return IdentitySync(lambda user: self.open(None, user=user), directory)

    @cached_property
    def postman(self) -> Postman:
        """The worker of e-mails."""
        from shared.mail.post import Postman

        return Postman(self.open, self.vault, mail_server)
