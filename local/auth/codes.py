"""Codes that go out by e-mail: verify an address, change it, reset a password, sign in by link.

No mail is sent. The codes are listed at `/emulator/v1/projects/…/oobCodes` and on the console page.
"""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from local.auth.accounts import Account, normal_email
from local.auth.calls import Call
from local.auth.errors import AuthRefused, need

MODES = {
    "VERIFY_EMAIL": "verifyEmail",
    "VERIFY_AND_CHANGE_EMAIL": "verifyAndChangeEmail",
    "PASSWORD_RESET": "resetPassword",
    "EMAIL_SIGNIN": "signIn",
}
_LIFE_SECONDS = {
    "VERIFY_EMAIL": 72 * 3600,
    "VERIFY_AND_CHANGE_EMAIL": 72 * 3600,
    "PASSWORD_RESET": 3600,
    "EMAIL_SIGNIN": 6 * 3600,
}
_KIND = {"kind": "identitytoolkit#GetOobConfirmationCodeResponse"}


async def send_code(call: Call) -> dict[str, Any]:
    """`accounts:sendOobCode`; only a project's server gets the link in the answer."""
    kind = need(call.text("requestType"), "MISSING_REQ_TYPE")
    if kind not in MODES:
        raise AuthRefused("INVALID_REQ_TYPE")
    call.own_or_refuse("returnOobLink")
    if call.text("continueUrl") and not urlsplit(call.text("continueUrl")).netloc:
        raise AuthRefused("INVALID_CONTINUE_URI")
    email, new_email = _addresses(call, kind)
    if email is None:
        return {**_KIND, "email": call.text("email")}
    code = _make(call, kind, email, new_email)
    if call.body.get("returnOobLink"):
        return {**_KIND, "email": email, "oobCode": code["oobCode"], "oobLink": code["oobLink"]}
    return {**_KIND, "email": email}


async def reset_password(call: Call) -> dict[str, Any]:
    """`accounts:resetPassword`: tell what a code is for, or use it to set a new password."""
    code = _find(call, need(call.text("oobCode"), "MISSING_OOB_CODE"))
    if password := call.text("newPassword"):
        if code["kind"] != "PASSWORD_RESET":
            raise AuthRefused("INVALID_OOB_CODE")
        secret = await call.service.passwords.fields(password)
        take_code(call, code["code"], "PASSWORD_RESET")
        account = need(call.service.accounts.by_email(code["email"]), "INVALID_OOB_CODE")
        # Who reads the address's mail owns it; whatever else signs in may be a stranger's.
        call.service.accounts.save({**account, **secret, "emailVerified": True, "providerUserInfo": []})
    seen = {"requestType": code["kind"], "newEmail": code["new_email"]}
    if code["kind"] != "EMAIL_SIGNIN":
        seen["email"] = code["email"]
    kind = {"kind": "identitytoolkit#ResetPasswordResponse"}
    return {**kind, **{name: value for name, value in seen.items() if value is not None}}


def use_code(call: Call) -> Account:
    """The account that a code of the body verifies or changes the address of, changed."""
    code = take_code(call, call.text("oobCode"), "VERIFY_EMAIL", "VERIFY_AND_CHANGE_EMAIL")
    account = need(call.service.accounts.by_email(code["email"]), "INVALID_OOB_CODE")
    changed = {**account, "emailVerified": True}
    if code["new_email"]:
        changed |= {"email": code["new_email"], "initialEmail": account["email"]}
    return call.service.accounts.save(changed)


def take_code(call: Call, code: str, *kinds: str, email: str | None = None) -> dict[str, Any]:
    """A code of one of these kinds, which is spent now; one for another address than `email` is not."""
    found = _find(call, need(code, "MISSING_OOB_CODE"))
    if found["kind"] not in kinds:
        raise AuthRefused("INVALID_OOB_CODE")
    if email not in (None, found["email"]):
        raise AuthRefused("INVALID_EMAIL : The email provided does not match the sign-in email address.")
    if call.service.db.execute("DELETE FROM codes WHERE code = ?", (code,)).rowcount != 1:
        raise AuthRefused("INVALID_OOB_CODE")
    return found


async def list_codes(call: Call) -> dict[str, Any]:
    """`/emulator/v1/projects/…/oobCodes`: what would have been sent, the oldest first."""
    rows = call.service.db.execute("SELECT * FROM codes ORDER BY created")
    return {"oobCodes": [_shown(dict(row)) for row in rows]}


def _addresses(call: Call, kind: str) -> tuple[str | None, str | None]:
    """Whom a code is for, and their new address; None for a stranger of whom nothing is told."""
    if kind == "EMAIL_SIGNIN":
        return normal_email(need(call.text("email"), "MISSING_EMAIL")), None
    if kind == "PASSWORD_RESET":
        email = normal_email(need(call.text("email"), "MISSING_EMAIL"))
        if call.service.accounts.by_email(email) is None:
            if call.service.keeps_emails_private and not call.privileged:
                return None, None
            raise AuthRefused("EMAIL_NOT_FOUND")
        return email, None
    if call.privileged and not call.text("idToken"):
        found = call.service.accounts.by_email(normal_email(need(call.text("email"), "MISSING_EMAIL")))
        account = need(found, "USER_NOT_FOUND")
    else:
        account, _ = call.service.tokens.read(call.text("idToken"))
    email = need(account.get("email"), "MISSING_EMAIL")
    if kind == "VERIFY_EMAIL":
        return email, None
    new = normal_email(need(call.text("newEmail"), "MISSING_NEW_EMAIL"))
    if call.service.accounts.by_email(new) is not None:
        raise AuthRefused("EMAIL_EXISTS")
    return email, new


def _make(call: Call, kind: str, email: str, new_email: str | None) -> dict[str, Any]:
    code = secrets.token_urlsafe(40)
    query = {"mode": MODES[kind], "lang": "en", "oobCode": code, "apiKey": call.query.get("key", "local")}
    if call.text("continueUrl"):
        query["continueUrl"] = call.text("continueUrl")
    link = f"{call.base}/emulator/action?{urlencode(query)}"
    row = {"code": code, "kind": kind, "email": email, "new_email": new_email, "link": link}
    call.service.db.execute(
        "INSERT INTO codes (code, kind, email, new_email, link, created) VALUES (?, ?, ?, ?, ?, ?)",
        (code, kind, email, new_email, link, time.time()),
    )
    return _shown(row)


def _find(call: Call, code: str) -> dict[str, Any]:
    row = call.service.db.execute("SELECT * FROM codes WHERE code = ?", (code,)).fetchone()
    found = dict(need(row, "INVALID_OOB_CODE"))
    if time.time() - found["created"] > _LIFE_SECONDS[found["kind"]]:
        raise AuthRefused("EXPIRED_OOB_CODE")
    return found


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    seen = {"requestType": row["kind"], "email": row["email"], "newEmail": row["new_email"]}
    seen |= {"oobCode": row["code"], "oobLink": row["link"]}
    return {name: value for name, value in seen.items() if value is not None}
