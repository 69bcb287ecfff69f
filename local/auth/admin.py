"""What only a project's servers may ask: accounts in bulk, session cookies, the project's configuration."""

from __future__ import annotations

from typing import Any

from local.auth.accounts import (
    Account,
    custom_claims,
    milliseconds,
    normal_email,
    normal_phone,
    seconds,
    shown,
)
from local.auth.calls import Call, whole
from local.auth.errors import AuthRefused, need, not_implemented
from local.auth.tokens import LONGEST_COOKIE

_MOST = 1000


async def create_session_cookie(call: Call) -> dict[str, Any]:
    """`projects/…:createSessionCookie`."""
    token = need(call.text("idToken"), "MISSING_ID_TOKEN")
    lifetime = whole(call.body.get("validDuration") or LONGEST_COOKIE, "INVALID_DURATION")
    return {"sessionCookie": call.service.tokens.cookie(token, lifetime)}


async def batch_get(call: Call) -> dict[str, Any]:
    """`accounts:batchGet`: a page of accounts in the order of their ids."""
    limit = min(max(whole(call.query.get("maxResults") or 20, "INVALID_MAX_RESULTS"), 1), _MOST)
    found = call.service.accounts.page(call.query.get("nextPageToken", ""), limit + 1)
    users = [shown(account) for account in found[:limit]]
    more = {"nextPageToken": users[-1]["localId"]} if len(found) > limit else {}
    return {"kind": "identitytoolkit#DownloadAccountResponse", "users": users, **more}


async def query(call: Call) -> dict[str, Any]:
    """`accounts:query`: how many accounts there are, or all of them by id."""
    for name in ("expression", "limit", "offset"):
        if call.body.get(name) not in (None, [], "0", 0):
            raise not_implemented(f"{name} in accounts:query")
    if call.body.get("sortBy") not in (None, "SORT_BY_FIELD_UNSPECIFIED", "USER_ID"):
        raise not_implemented("sortBy in accounts:query")
    count = {"recordsCount": str(call.service.accounts.count())}
    if call.body.get("returnUserInfo") is False:
        return count
    users = [shown(account) for account in call.service.accounts.page("", -1)]
    return {**count, "userInfo": users[::-1] if call.body.get("order") == "DESC" else users}


async def batch_create(call: Call) -> dict[str, Any]:
    """`accounts:batchCreate`: import accounts; those that cannot be are told by their index.

    Hashes of other algorithms are refused: nothing here could check a password against them.
    """
    users = need(call.items("users"), "MISSING_USER_ACCOUNT")
    if len(users) > _MOST:
        raise AuthRefused("BATCH_SIZE_EXCEEDS_LIMIT")
    errors = []
    for index, user in enumerate(users):
        try:
            await _import(call, user)
        except AuthRefused as error:
            errors.append({"index": index, "message": error.message})
    return {"kind": "identitytoolkit#UploadAccountResponse", "error": errors}


async def batch_delete(call: Call) -> dict[str, Any]:
    """`accounts:batchDelete`."""
    ids = call.items("localIds")
    if not 1 <= len(ids) <= _MOST:
        raise AuthRefused("LOCAL_ID_LIST_EXCEEDS_LIMIT")
    errors = []
    for index, local_id in enumerate(map(str, ids)):
        account = call.service.accounts.find(local_id)
        if account is not None and not (account.get("disabled") or call.body.get("force")):
            message = "NOT_DISABLED : Disable the account before batch deletion."
            errors.append({"index": index, "localId": local_id, "message": message})
        elif account is not None:
            call.service.accounts.delete(local_id)
    return {"errors": errors} if errors else {}


async def delete_all(call: Call) -> dict[str, Any]:
    """`/emulator/v1/projects/…/accounts`: forget everybody."""
    call.service.accounts.clear()
    return {}


async def get_config(call: Call) -> dict[str, Any]:
    """The project's configuration."""
    return call.service.config()


async def set_config(call: Call) -> dict[str, Any]:
    """Change the project's configuration."""
    call.service.configure(call.body)
    return call.service.config()


async def get_project(call: Call) -> dict[str, Any]:
    """`/v1/projects`: what a browser may know of the project."""
    return {
        "projectId": call.service.project,
        "authorizedDomains": call.service.config()["authorizedDomains"],
    }


async def get_recaptcha_params(call: Call) -> dict[str, Any]:
    """`/v1/recaptchaParams`: there is none."""
    return {"kind": "identitytoolkit#GetRecaptchaParamResponse"}


async def get_recaptcha_config(call: Call) -> dict[str, Any]:
    """`/v2/recaptchaConfig`: off for everything."""
    off = [
        {"provider": name, "enforcementState": "OFF"}
        for name in ("EMAIL_PASSWORD_PROVIDER", "PHONE_PROVIDER")
    ]
    return {"recaptchaEnforcementState": off}


async def get_password_policy(call: Call) -> dict[str, Any]:
    """`/v2/passwordPolicy`: six characters, whatever they are."""
    return {
        "customStrengthOptions": {"minPasswordLength": 6, "maxPasswordLength": 4096},
        "allowedNonAlphanumericCharacters": list("^$*.[]{}()?\"!@#%&/\\,><':;|_~"),
        "schemaVersion": 1,
        "enforcementState": "OFF",
    }


async def _import(call: Call, user: Any) -> Account:
    if not isinstance(user, dict) or not isinstance(user.get("localId"), str) or not user["localId"]:
        raise AuthRefused("localId is missing")
    if user.get("passwordHash"):
        raise AuthRefused("password hashes of other algorithms are not imported here; send rawPassword")
    fields: Account = {n: user[n] for n in ("displayName", "photoUrl", "lastLoginAt") if user.get(n)}
    fields |= {"emailVerified": bool(user.get("emailVerified")), "disabled": bool(user.get("disabled"))}
    fields |= {"createdAt": str(user.get("createdAt") or milliseconds()), "validSince": seconds()}
    fields |= await call.service.passwords.fields(user["rawPassword"]) if user.get("rawPassword") else {}
    if user.get("email"):
        fields["email"] = normal_email(user["email"])
    if user.get("phoneNumber"):
        fields["phoneNumber"] = normal_phone(user["phoneNumber"])
    if user.get("customAttributes"):
        custom_claims(user["customAttributes"])
        fields["customAttributes"] = user["customAttributes"]
    fields["providerUserInfo"] = _links(user)
    if call.service.accounts.find(user["localId"]) is not None and not call.body.get("allowOverwrite"):
        raise AuthRefused("localId belongs to an existing account - can not overwrite.")
    return call.service.accounts.save({**fields, "localId": user["localId"]})


def _links(user: dict[str, Any]) -> list[dict[str, Any]]:
    given = [
        p for p in user.get("providerUserInfo") or [] if p.get("providerId") not in ("password", "phone")
    ]
    if any(not (p.get("providerId") and p.get("rawId")) for p in given):
        raise AuthRefused("federatedId or (providerId & rawId) is required")
    return given
