"""Reading, changing and deleting an account, by its person or by a project's server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.auth.accounts import (
    PASSWORD,
    PHONE,
    Account,
    custom_claims,
    normal_email,
    normal_phone,
    shown,
)
from local.auth.calls import Call, whole
from local.auth.codes import use_code
from local.auth.errors import AuthRefused, need, not_implemented

_DELETABLE = {
    "DISPLAY_NAME": "displayName",
    "PHOTO_URL": "photoUrl",
    "EMAIL": "email",
    "PASSWORD": "passwordHash",
}
_PRIVILEGED = ("customAttributes", "emailVerified", "disableUser", "phoneNumber", "linkProviderUserInfo")
_UNKNOWN = ("provider", "upgradeToFederatedLogin", "mfa", "captchaChallenge")


async def lookup(call: Call) -> dict[str, Any]:
    """`accounts:lookup`: one's own account, or any for a project's server."""
    accounts = call.service.accounts
    if not call.privileged:
        found: list[Account | None] = [
            call.service.tokens.read(need(call.text("idToken"), "MISSING_ID_TOKEN"))[0]
        ]
    else:
        found = [accounts.find(str(each)) for each in call.items("localId")]
        found += [accounts.by_email(str(each)) for each in call.items("email")]
        found += [accounts.by_phone(str(each)) for each in call.items("phoneNumber")]
        links = [each for each in call.items("federatedUserId") if isinstance(each, dict)]
        found += [accounts.by_link(str(each.get("providerId")), str(each.get("rawId"))) for each in links]
    unique = {account["localId"]: account for account in found if account is not None}
    users = [shown(account, privileged=call.privileged) for account in unique.values()]
    return {"kind": "identitytoolkit#GetAccountInfoResponse", **({"users": users} if users else {})}


async def update(call: Call) -> dict[str, Any]:
    """`accounts:update`: by ID token, by a code from an e-mail, or by a project's server."""
    for name in _UNKNOWN:
        if name in call.body:
            raise not_implemented(f"`{name}` in accounts:update")
    if call.text("oobCode"):
        return _answer(call, use_code(call))
    account, claims = _whose(call)
    new_secret = await call.service.passwords.fields(call.text("password")) if call.text("password") else {}
    # Hashing takes a moment, in which somebody else may have changed the account.
    account = need(call.service.accounts.find(account["localId"]), "USER_NOT_FOUND")
    changed = _changed(call, account) | new_secret
    for name in call.items("deleteAttribute"):
        if name not in _DELETABLE:
            raise not_implemented(f"deleteAttribute {name}")
        changed.pop(_DELETABLE[name], None)
    kept = call.service.accounts.save(_unlinked(call, changed))
    signs_in_anew = claims is not None and (bool(new_secret) or kept.get("email") != account.get("email"))
    if claims is not None and (signs_in_anew or call.body.get("returnSecureToken")):
        provider = claims["firebase"]["sign_in_provider"]
        return _answer(call, kept) | call.service.tokens.issue(kept, provider)
    return _answer(call, kept)


async def delete(call: Call) -> dict[str, Any]:
    """`accounts:delete`."""
    if call.privileged:
        need(call.text("localId"), "MISSING_LOCAL_ID")
        account = need(call.service.accounts.find(call.text("localId")), "USER_NOT_FOUND")
    else:
        account, _ = call.service.tokens.read(need(call.text("idToken"), "MISSING_ID_TOKEN"))
    call.service.accounts.delete(account["localId"])
    return {"kind": "identitytoolkit#DeleteAccountResponse"}


def _whose(call: Call) -> tuple[Account, dict[str, Any] | None]:
    """The account to change, and the claims of the ID token if that says whose it is."""
    if call.text("idToken"):
        if "disableUser" in call.body:
            raise AuthRefused("OPERATION_NOT_ALLOWED")
        account, claims = call.service.tokens.read(call.text("idToken"))
        for name in _PRIVILEGED:
            call.own_or_refuse(name)
        return account, claims
    if not call.privileged:
        raise AuthRefused("INVALID_REQ_TYPE : Unsupported request parameters.")
    need(call.text("localId"), "MISSING_LOCAL_ID")
    return need(call.service.accounts.find(call.text("localId")), "USER_NOT_FOUND"), None


def _changed(call: Call, account: Account) -> Account:
    """The account with what the body sets; deletions come later."""
    changed = dict(account)
    for name in ("displayName", "photoUrl"):
        if call.text(name):
            changed[name] = call.text(name)
    if call.text("email"):
        changed |= _new_email(call, account)
    for name, (field, read) in _SETTERS.items():
        if name in call.body:
            changed[field] = read(call.body[name])
    if "linkProviderUserInfo" in call.body:
        changed["providerUserInfo"] = _linked(call, account)
    return changed


def _new_email(call: Call, account: Account) -> Account:
    email = normal_email(call.text("email"))
    if email == account.get("email"):
        return {}
    other = call.service.accounts.by_email(email)
    if other is not None:
        raise AuthRefused("EMAIL_EXISTS")
    before = account.get("initialEmail") or account.get("email")
    return {"email": email, "emailVerified": False, "initialEmail": before}


def _claims_text(value: Any) -> str:
    custom_claims(value)
    return str(value)


_SETTERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "emailVerified": ("emailVerified", bool),
    "disableUser": ("disabled", bool),
    "validSince": ("validSince", lambda value: str(whole(value, "INVALID_VALID_SINCE"))),
    "customAttributes": ("customAttributes", _claims_text),
    "phoneNumber": ("phoneNumber", normal_phone),
    "createdAt": ("createdAt", lambda value: str(whole(value, "INVALID_CREATED_AT"))),
    "lastLoginAt": ("lastLoginAt", lambda value: str(whole(value, "INVALID_LAST_LOGIN_AT"))),
}


def _linked(call: Call, account: Account) -> list[dict[str, Any]]:
    link = call.body["linkProviderUserInfo"]
    if not isinstance(link, dict) or not (link.get("providerId") and link.get("rawId")):
        raise AuthRefused("MISSING_PROVIDER_ID")
    others = [p for p in account.get("providerUserInfo", []) if p["providerId"] != link["providerId"]]
    return [*others, {"federatedId": link["rawId"], **link}]


def _unlinked(call: Call, account: Account) -> Account:
    """The account without the ways to sign in that the body deletes."""
    gone = {str(name) for name in call.items("deleteProvider")}
    changed = dict(account)
    if PASSWORD in gone:
        for name in ("passwordHash", "passwordUpdatedAt", "emailLinkSignin"):
            changed.pop(name, None)
    if PHONE in gone:
        changed.pop("phoneNumber", None)
    links = [p for p in changed.get("providerUserInfo", []) if p["providerId"] not in gone]
    return {**changed, "providerUserInfo": links}


def _answer(call: Call, account: Account) -> dict[str, Any]:
    seen = shown(account, privileged=call.privileged)
    names = (
        "localId",
        "email",
        "displayName",
        "photoUrl",
        "providerUserInfo",
        "emailVerified",
        "passwordHash",
    )
    told = {name: seen[name] for name in names if name in seen}
    moved = {"newEmail": account["email"]} if call.text("email") and "email" in account else {}
    return {"kind": "identitytoolkit#SetAccountInfoResponse", **told, **moved}
