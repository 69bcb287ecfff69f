"""The emulator's pages: what a link in an e-mail opens, and where one consents to sign in with a provider."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from local.auth.accounts import normal_email
from local.auth.calls import Call
from local.auth.codes import MODES, reset_password
from local.auth.errors import AuthRefused
from local.auth.profile import update
from local.auth.providers import check_provider, consent_token

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem;
  color: #1d1d1f }
h1 { font-size: 1.25rem }
label { display: block; margin: .75rem 0 }
input { display: block; width: 100%; padding: .5rem; font: inherit; box-sizing: border-box;
  border: 1px solid #aaa; border-radius: 6px }
button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: 6px; background: #1a56db; color: #fff;
  cursor: pointer; margin: .25rem 0 }
.person { display: block; width: 100%; text-align: left; background: #eef2fb; color: #1d1d1f }
.quiet { color: #666 }
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


async def action(call: Call) -> web.StreamResponse:
    """`/emulator/action`: does what a code is for; a new password is asked for first."""
    mode, code = call.query.get("mode", ""), call.query.get("oobCode", "")
    target = call.query.get("continueUrl", "")
    if mode not in MODES.values():
        raise AuthRefused("INVALID_REQ_TYPE")
    if mode == "signIn":
        if not urlsplit(target).netloc:
            raise AuthRefused("MISSING_CONTINUE_URI")
        rest = {name: value for name, value in call.query.items() if name != "continueUrl"}
        raise web.HTTPSeeOther(f"{target}{'&' if '?' in target else '?'}{urlencode(rest)}")
    if mode == "resetPassword" and "newPassword" not in call.body:
        told = await reset_password(_with(call, oobCode=code))
        return _page("Choose a new password", _password_form(told["email"]))
    if mode == "resetPassword":
        await reset_password(_with(call, oobCode=code, newPassword=call.text("newPassword")))
    else:
        await update(_with(call, oobCode=code))
    if urlsplit(target).scheme in ("http", "https"):
        raise web.HTTPSeeOther(target)
    return _page("Done", "<p>You can close this page.</p>")


async def consent(call: Call) -> web.StreamResponse:
    """`/emulator/auth/consent`: plays the provider's own page; who is chosen there is sent to `redirect_uri`.

    As in OpenID Connect's implicit flow the token stands in the address's fragment. Only addresses of this
    machine are sent to.
    """
    provider = check_provider(call.query.get("providerId", ""))
    target = urlsplit(call.query.get("redirect_uri", ""))
    if target.scheme not in ("http", "https") or target.hostname not in _LOOPBACK:
        raise AuthRefused("UNAUTHORIZED_DOMAIN : redirect_uri is not of this machine.")
    if "email" in call.body:
        email = normal_email(call.body["email"])
        token = consent_token(call, provider, email, call.text("name"), call.query.get("nonce", ""))
        said = {"id_token": token, "providerId": provider, "state": call.query.get("state", "")}
        raise web.HTTPSeeOther(f"{target._replace(fragment='').geturl()}#{urlencode(said)}")
    known = [p for a in call.service.accounts.linked_to(provider) for p in a["providerUserInfo"]]
    people = "".join(_person(p) for p in known if p["providerId"] == provider and p.get("email"))
    name = "Google" if provider == "google.com" else provider
    return _page(f"Sign in with {name}", f"{people}{_NEW_PERSON}")


_NEW_PERSON = """<form method="post"><label>E-mail <input name="email" type="email" required></label>
<label>Name <input name="name"></label><button id="consent">Sign in as this person</button></form>
<p class="quiet">This page plays the provider on this machine; no account elsewhere is asked.</p>"""


def _person(link: dict[str, Any]) -> str:
    email, name = escape(link["email"]), escape(str(link.get("displayName") or ""))
    fields = (
        f'<input type="hidden" name="email" value="{email}"><input type="hidden" name="name" value="{name}">'
    )
    return f'<form method="post">{fields}<button class="person">{name or email}<br>{email}</button></form>'


def _password_form(email: str) -> str:
    field = '<input name="newPassword" type="password" minlength="6" autocomplete="new-password" required>'
    label = f"<p>{escape(email)}</p><label>New password {field}</label>"
    return f'<form method="post">{label}<button>Save</button></form>'


def _with(call: Call, **body: str) -> Call:
    return Call(call.service, dict(body), call.query, privileged=False, base=call.base)


def _page(title: str, content: str) -> web.Response:
    text = f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{content}</html>"""
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
