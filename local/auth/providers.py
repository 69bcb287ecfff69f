"""Signing in with another provider: Google, or any that speaks OpenID Connect (`oidc.…`).

A credential is an ID token of the provider: one that this service's own consent page made and signed, or,
as every emulator of this API takes them, claims that somebody wrote by hand, as JSON or in an unsigned JWT.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from local.auth.accounts import Account, milliseconds, seconds
from local.auth.calls import Call
from local.auth.errors import AuthRefused, need, not_implemented

GOOGLE = "google.com"
CONSENT_PATH = "/emulator/auth/consent"
_OIDC = re.compile(r"oidc\.[a-z0-9.-]{1,60}")
_CONSENT_AUDIENCE = "consent"
_UNPROVEN = ("passwordHash", "passwordUpdatedAt", "phoneNumber", "providerUserInfo")
_KIND = {"kind": "identitytoolkit#VerifyAssertionResponse"}


async def sign_in_with_provider(call: Call) -> dict[str, Any]:
    """`accounts:signInWithIdp`."""
    provider, token = _credential(call)
    claims = _claims(call, provider, token)
    person = _person(provider, claims)
    told = {**_KIND, "providerId": provider, "oauthIdToken": token, **_facts(provider, claims)}
    try:
        account, outcome = _match(call, provider, person)
    except AuthRefused as error:
        if call.body.get("returnIdpCredential"):
            return {**told, "errorMessage": error.message}
        raise
    if account is None:
        return {**told, **outcome}
    if account.get("disabled"):
        raise AuthRefused("USER_DISABLED")
    account = call.service.accounts.save({**account, "lastLoginAt": milliseconds()})
    told |= {"localId": account["localId"], "emailVerified": account.get("emailVerified", False)}
    told |= {name: account[name] for name in ("displayName", "photoUrl", "email") if name in account}
    return {**told, **outcome, **call.service.tokens.issue(account, provider)}


def authorization_address(call: Call, provider: str, target: str) -> str:
    """Where somebody consents to sign in with a provider; afterwards they come back to `target`."""
    check_provider(provider)
    query = {"providerId": provider, "redirect_uri": target, "state": secrets.token_urlsafe(12)}
    return f"{call.base}{CONSENT_PATH}?{urlencode(query)}"


def consent_token(call: Call, provider: str, email: str, name: str, nonce: str = "") -> str:
    """What the provider's consent page gives: an ID token, good for five minutes."""
    known = next((a for a in call.service.accounts.linked_to(provider) if _knows(a, provider, email)), None)
    links = [p for p in (known or {}).get("providerUserInfo", []) if p["providerId"] == provider]
    now = int(time.time())
    said = {
        "iss": "https://accounts.google.com" if provider == GOOGLE else f"https://{provider}.localhost",
        "aud": _CONSENT_AUDIENCE,
        "sub": links[0]["rawId"] if links else str(10**20 + secrets.randbelow(10**20)),
        "email": email,
        "email_verified": True,
        "name": name,
        "provider": provider,
        "iat": now,
        "exp": now + 300,
    }
    return call.service.tokens.id_tokens.sign({**said, **({"nonce": nonce} if nonce else {})})


def check_provider(provider: str) -> str:
    """The provider's id; refuses one that this service does not know."""
    if provider != GOOGLE and not _OIDC.fullmatch(provider):
        raise AuthRefused(f"OPERATION_NOT_ALLOWED : The identity provider {provider} is not enabled.")
    return provider


def _credential(call: Call) -> tuple[str, str]:
    """The provider and its token, from the address that the provider sent to, or from the body."""
    if call.text("pendingToken") or call.text("pendingIdToken"):
        raise not_implemented("pending credentials")
    address = urlsplit(need(call.text("requestUri"), "MISSING_REQUEST_URI"))
    said: dict[str, str] = {}
    for part in (address.query, address.fragment, call.text("postBody")):
        said |= dict(parse_qsl(part))
    if not said.get("providerId"):
        raise AuthRefused("INVALID_CREDENTIAL_OR_PROVIDER_ID : Invalid IdP response/credential")
    provider = check_provider(said["providerId"].lower())
    if not said.get("id_token"):
        raise not_implemented("sign-in without an id_token")
    return provider, said["id_token"]


def _claims(call: Call, provider: str, token: str) -> dict[str, Any]:
    """What the provider says of somebody; refuses a signed token that is not of the consent page."""
    try:
        if token.lstrip().startswith("{"):
            claims = json.loads(token)
        elif jwt.get_unverified_header(token).get("alg") == "none":
            claims = jwt.decode(token, options={"verify_signature": False})
        else:
            claims = call.service.tokens.id_tokens.read(token, audience=_CONSENT_AUDIENCE)
            if claims.get("provider") != provider:
                raise AuthRefused("INVALID_IDP_RESPONSE : The token is another provider's.")
    except (ValueError, jwt.PyJWTError) as error:
        raise AuthRefused(f"INVALID_IDP_RESPONSE : Unable to parse id_token: {error}") from None
    if not isinstance(claims, dict) or not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise AuthRefused("INVALID_IDP_RESPONSE : Invalid Idp Response: id_token missing required claim sub.")
    return claims


def _person(provider: str, claims: dict[str, Any]) -> Account:
    """Somebody as the provider knows them. Only Google's word for an address is taken."""
    email = str(claims["email"]).lower() if claims.get("email") else None
    link = {
        "providerId": provider,
        "rawId": claims["sub"],
        "federatedId": claims["sub"],
        "displayName": claims.get("name"),
        "photoUrl": claims.get("picture"),
        "email": email,
        "screenName": claims.get("screen_name"),
    }
    return {
        "email": email,
        "emailVerified": provider == GOOGLE
        and email is not None
        and claims.get("email_verified") is not False,
        "displayName": claims.get("name"),
        "photoUrl": claims.get("picture"),
        "providerUserInfo": [{name: value for name, value in link.items() if value is not None}],
    }


def _match(call: Call, provider: str, person: Account) -> tuple[Account | None, dict[str, Any]]:
    """The account that somebody signs in to, made or linked if need be; None where they must confirm."""
    accounts, link = call.service.accounts, person["providerUserInfo"][0]
    linked = accounts.by_link(provider, link["rawId"])
    same = accounts.by_email(person["email"]) if person["email"] else None
    if call.text("idToken"):
        account, _ = call.service.tokens.read(call.text("idToken"))
        if linked is not None:
            raise AuthRefused("FEDERATED_USER_ID_ALREADY_LINKED")
        if same is not None and same["localId"] != account["localId"]:
            raise AuthRefused("EMAIL_EXISTS")
        return accounts.save(_with_link(account, person)), {"isNewUser": False}
    if linked is not None:
        return accounts.save(_with_link(linked, person)), {"isNewUser": False}
    if same is None:
        return accounts.create(_bare(person)), {"isNewUser": True}
    if not person["emailVerified"]:
        ways = [p["providerId"] for p in same.get("providerUserInfo", [])]
        return None, {"needConfirmation": True, "verifiedProvider": ways, "email": person["email"]}
    if not same.get("emailVerified"):
        # Whoever made that account never showed that the address is theirs.
        same = {name: value for name, value in same.items() if name not in _UNPROVEN}
        same["validSince"] = seconds()
    return accounts.save({**_with_link(same, person), "emailVerified": True}), {"isNewUser": False}


def _with_link(account: Account, person: Account) -> Account:
    link = person["providerUserInfo"][0]
    others = [p for p in account.get("providerUserInfo", []) if p["providerId"] != link["providerId"]]
    names = {name: account.get(name) or person[name] for name in ("displayName", "photoUrl", "email")}
    return {**account, **names, "providerUserInfo": [*others, link]}


def _bare(person: Account) -> Account:
    return {name: value for name, value in person.items() if value is not None}


def _facts(provider: str, claims: dict[str, Any]) -> dict[str, Any]:
    names = {"displayName": "name", "photoUrl": "picture", "email": "email"}
    found = {shown: claims[claim] for shown, claim in names.items() if claims.get(claim)}
    raw = {name: claims[name] for name in ("email", "name", "picture", "email_verified") if name in claims}
    federated = f"https://accounts.google.com/{claims['sub']}" if provider == GOOGLE else claims["sub"]
    return {**found, "rawUserInfo": json.dumps({"id": claims["sub"], **raw}), "federatedId": federated}


def _knows(account: Account, provider: str, email: str) -> bool:
    links = account.get("providerUserInfo", [])
    return any(p["providerId"] == provider and p.get("email") == email.lower() for p in links)
