"""The people of an account, as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.auth.roles import Role
from shared.core.ids import id_pattern
from shared.ledger.schemas import AccountId

UserId = Annotated[str, Field(pattern=id_pattern("usr"), examples=["usr_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
InvitationId = Annotated[str, Field(pattern=id_pattern("inv"), examples=["inv_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$", examples=["Acme"])]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class OpenAccount(Model):
    """An account to open."""

    name: Name


class Belonging(Model):
    """An account that you belong to."""

    id: str
    name: str
    role: Role
    plan: str
    joined_at: datetime


class BelongingList(Model):
    """Your accounts, the one that you joined first first."""

    accounts: list[Belonging]


class Member(Model):
    """Somebody who belongs to the account."""

    id: str
    role: Role
    email: str | None
    name: str | None
    joined_at: datetime


class MemberList(Model):
    """Everybody, the oldest members first."""

    members: list[Member]


WhatOfKeys = Literal["keep", "revoke"]


class ChangeRole(Model):
    """What somebody shall be, and what becomes of keys that they made and that may do more than that."""

    role: Role
    keys: WhatOfKeys = Field("keep", description="`revoke` needs the scope keys:write")


class RemoveMember(Model):
    """What becomes of the keys that somebody made."""

    keys: WhatOfKeys = Field("keep", description="`revoke` needs the scope keys:write")


class KeysLeft(Model):
    """Keys of the account that somebody could do more by than they may do from now on."""

    keys: list[str] = Field(description="ids of good API keys that they made, or that keys of theirs made")
    keys_revoked: bool = Field(description="whether those were revoked")


class Removed(KeysLeft):
    """Somebody who does not belong to the account any more."""

    id: str


class Membership(Model):
    """What somebody is."""

    id: str
    role: Role
    joined_at: datetime


class ChangedMembership(Membership, KeysLeft):
    """What somebody is from now on."""


class CreateInvitation(Model):
    """Whom to invite."""

    email: str = Field(max_length=254, examples=["ann@example.com"])
    role: Role = Role.VIEWER


class Invitation(Model):
    """Somebody is invited, and has not come yet."""

    id: str
    email: str
    role: Role
    state: Literal["open", "expired"]
    created_by: str = Field(description="id of the person or API key")
    created_at: datetime
    expires_at: datetime


class InvitationList(Model):
    """The invitations that were neither accepted nor taken back, the newest first."""

    invitations: list[Invitation]


class AcceptInvitation(Model):
    """The token that came by e-mail."""

    token: str = Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")


class UserFilter(Model):
    """Whom to find; all of those given must hold."""

    id: UserId | None = None
    email: Annotated[str, Field(max_length=254, description="the whole address")] | None = None
    account: AccountId | None = None


class AccountRole(Model):
    """What somebody is in an account."""

    account: str
    role: Role


class User(Model):
    """Somebody who has signed in."""

    id: str
    identity: str = Field(description="their id in the identity service")
    email: str | None
    email_verified: bool
    name: str | None
    created_at: datetime
    disabled_at: datetime | None
    accounts: list[AccountRole]


class UserList(Model):
    """At most 100 people, the newest first."""

    users: list[User]
