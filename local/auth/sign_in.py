"""Signing up and signing in, but for other providers."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import jwt

from local.auth.accounts import (
    CUSTOM,
    PASSWORD,
    Account,
    custom_claims,
    milliseconds,
    normal_email,
    normal_phone,
    seconds,
    shown,
)
from local.auth.calls import Call
from local.auth.codes import take_code
from local.auth.errors import AuthRefused, need
from local.auth.providers import authorization_address

_CUSTOM_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"


async def sign_up(call: Call) -> dict[str, Any]:
    """`accounts:signUp`: a new account; from a project's server without signing in."""
    fields: Account = {"lastLoginAt": milliseconds()}
    if call.privileged:
        fields |= _privileged_fields(call)
    elif "localId" in call.body:
        raise AuthRefused("UNEXPECTED_PARAMETER : User ID")
    else:
        _refuse_sign_up(call)
        need(call.text("email"), "MISSING_EMAIL" if call.text("password") else "ADMIN_ONLY_OPERATION")
        need(call.text("password"), "MISSING_PASSWORD")
    if name := call.text("displayName"):
        fields["displayName"] = name
    if email := call.text("email"):
        fields["email"] = normal_email(email)
        _refuse_known_email(call, fields["email"])
    if password := call.text("password"):
        fields |= await call.service.passwords.fields(password)
    if call.text("idToken") and not call.privileged:
        known, _ = call.service.tokens.read(call.text("idToken"))
        account = call.service.accounts.save({**known, **fields})
    else:
        account = call.service.accounts.create(fields, call.text("localId") or None)
    seen = {name: account.get(name) for name in ("localId", "email", "displayName") if name in account}
    tokens = {} if call.privileged else call.service.tokens.issue(account, PASSWORD)
    return {"kind": "identitytoolkit#SignupNewUserResponse", **seen, **tokens}


async def sign_in_with_password(call: Call) -> dict[str, Any]:
    """`accounts:signInWithPassword`."""
    if call.body.get("email") is None:
        raise AuthRefused("MISSING_EMAIL")
    email = normal_email(call.body["email"])
    password = need(call.text("password"), "MISSING_PASSWORD")
    _refuse_disabled_method(call, "PASSWORD_LOGIN_DISABLED")
    account = call.service.accounts.by_email(email)
    right = await call.service.passwords.check(email, password, (account or {}).get("passwordHash"))
    private = call.service.keeps_emails_private
    if account is None:
        raise AuthRefused("INVALID_LOGIN_CREDENTIALS" if private else "EMAIL_NOT_FOUND")
    if not right:
        raise AuthRefused("INVALID_LOGIN_CREDENTIALS" if private else "INVALID_PASSWORD")
    signed = signed_in(call, account, PASSWORD)
    kind = {"kind": "identitytoolkit#VerifyPasswordResponse", "registered": True}
    return {**kind, "localId": account["localId"], "email": email, **_names(account), **signed}


async def sign_in_with_custom_token(call: Call) -> dict[str, Any]:
    """`accounts:signInWithCustomToken`.

    A server that is pointed at an emulator signs its custom tokens with nothing, so the signature of one is
    not looked at; who may call this address may call all of it.
    """
    token = need(call.text("token"), "MISSING_CUSTOM_TOKEN")
    try:
        said = jwt.decode(
            token,
            options={"verify_signature": False, "verify_aud": True, "verify_exp": True, "require": ["exp"]},
            audience=_CUSTOM_AUDIENCE,
        )
    except jwt.ExpiredSignatureError:
        raise AuthRefused("TOKEN_EXPIRED") from None
    except jwt.PyJWTError:
        raise AuthRefused("INVALID_CUSTOM_TOKEN : ((Invalid assertion format or audience.))") from None
    uid = said.get("uid") or said.get("user_id")
    if not isinstance(uid, str) or not 1 <= len(uid) <= 128:
        raise AuthRefused("MISSING_IDENTIFIER")
    known = call.service.accounts.find(uid)
    account = known or call.service.accounts.create({}, uid)
    claims = said.get("claims") or {}
    tokens = signed_in(call, account, CUSTOM, claims)
    kind = {"kind": "identitytoolkit#VerifyCustomTokenResponse", "isNewUser": known is None}
    return {**kind, **tokens}


async def sign_in_with_email_link(call: Call) -> dict[str, Any]:
    """`accounts:signInWithEmailLink`: with a code that was sent to an address."""
    email = normal_email(need(call.text("email"), "MISSING_EMAIL"))
    take_code(call, call.text("oobCode"), "EMAIL_SIGNIN", email=email)
    known = call.service.accounts.by_email(email)
    facts = {"emailVerified": True, "emailLinkSignin": True}
    if known is None:
        account = call.service.accounts.create({"email": email, **facts})
    else:
        account = call.service.accounts.save({**known, **facts})
    tokens = signed_in(call, account, PASSWORD)
    kind = {"kind": "identitytoolkit#EmailLinkSigninResponse", "isNewUser": known is None}
    return {**kind, "email": email, "localId": account["localId"], **tokens}


async def create_auth_uri(call: Call) -> dict[str, Any]:
    """`accounts:createAuthUri`: how an address may sign in, or where a provider asks for consent."""
    session = call.text("sessionId") or secrets.token_urlsafe(20)
    target = need(call.text("continueUri"), "MISSING_CONTINUE_URI")
    if not urlsplit(target).netloc:
        raise AuthRefused("INVALID_CONTINUE_URI")
    kind = {"kind": "identitytoolkit#CreateAuthUriResponse", "sessionId": session}
    if provider := call.text("providerId"):
        return {**kind, "providerId": provider, "authUri": authorization_address(call, provider, target)}
    email = normal_email(need(call.text("identifier"), "MISSING_IDENTIFIER"))
    if call.service.keeps_emails_private:
        return kind
    account = call.service.accounts.by_email(email)
    ways = [way["providerId"] for way in shown(account or {}).get("providerUserInfo", [])]
    return {**kind, "registered": account is not None, "allProviders": ways, "signinMethods": ways}


async def refresh(call: Call) -> dict[str, Any]:
    """`securetoken.googleapis.com/v1/token`: a new ID token for a refresh token."""
    if call.text("grant_type") != "refresh_token":
        raise AuthRefused("INVALID_GRANT_TYPE" if call.text("grant_type") else "MISSING_GRANT_TYPE")
    given = need(call.text("refresh_token"), "MISSING_REFRESH_TOKEN")
    account, id_token = call.service.tokens.refresh(given)
    call.service.accounts.save({**account, "lastRefreshAt": milliseconds()})
    return {
        "id_token": id_token,
        "access_token": id_token,
        "expires_in": "3600",
        "refresh_token": given,
        "token_type": "Bearer",
        "user_id": account["localId"],
        "project_id": call.service.project,
    }


def signed_in(
    call: Call, account: Account, provider: str, claims: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Tokens for somebody who proved themselves; refuses who is disabled."""
    if account.get("disabled"):
        raise AuthRefused("USER_DISABLED")
    account = call.service.accounts.save({**account, "lastLoginAt": milliseconds()})
    return call.service.tokens.issue(account, provider, claims)


def _privileged_fields(call: Call) -> Account:
    fields: Account = {name: call.text(name) for name in ("photoUrl",) if call.text(name)}
    fields["emailVerified"] = bool(call.body.get("emailVerified"))
    fields["disabled"] = bool(call.body.get("disabled"))
    if call.text("phoneNumber"):
        fields["phoneNumber"] = normal_phone(call.text("phoneNumber"))
    if call.text("customAttributes"):
        custom_claims(call.text("customAttributes"))
        fields["customAttributes"] = call.text("customAttributes")
    return {"validSince": seconds(), **fields}


def _refuse_known_email(call: Call, email: str) -> None:
    if call.service.accounts.by_email(email) is not None:
        raise AuthRefused("EMAIL_EXISTS")


def _refuse_sign_up(call: Call) -> None:
    if call.service.config()["client"]["permissions"].get("disabledUserSignup"):
        raise AuthRefused("ADMIN_ONLY_OPERATION")
    _refuse_disabled_method(call, "OPERATION_NOT_ALLOWED")


def _refuse_disabled_method(call: Call, message: str) -> None:
    if not call.service.config()["signIn"]["email"].get("enabled"):
        raise AuthRefused(message)


def _names(account: Account) -> dict[str, Any]:
    return {name: account[name] for name in ("displayName", "photoUrl") if name in account}
