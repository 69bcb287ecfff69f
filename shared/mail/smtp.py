"""SMTP by the standard library: the only file that talks to a mail server."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

from shared.core.config import MailSettings, Misconfigured
from shared.core.tracing import Kind, span
from shared.mail.errors import MailPutOff, MailRefused, MailServerDown

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

_PORTS: Final = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_TIMEOUT: Final = 15.0


class MailServer:
    """Hands messages over, each by a connection of its own."""

    def __init__(self, settings: MailSettings):
        """Raises `Misconfigured` for a URL without TLS, but to loopback, and for what is no such URL."""
        self._url = urlsplit(settings.smtp_url)
        if self._url.scheme not in _PORTS or not self._url.hostname:
            raise Misconfigured("SMTP_URL is smtps://, or smtp+starttls://, with a host.")
        if self._url.scheme == "smtp" and self._url.hostname not in _LOOPBACK:
            raise Misconfigured("SMTP_URL without TLS goes to this machine only.")
        self.sender = settings.mail_from

    def send(self, message: EmailMessage) -> None:
        """Hand a message over. Raises `MailServerDown`, `MailPutOff` and `MailRefused`."""
        import smtplib

        try:
            with span("smtp send", Kind.CLIENT), self._connect(self._url) as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            (code, _), *_ = refused.recipients.values()
            raise _refusal(code) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            raise _refusal(refused.smtp_code) from None
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            raise MailRefused("The mail server does not take this address.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerDown() from error

    def _connect(self, url: SplitResult) -> SMTP:
        import smtplib

        host, port = str(url.hostname), url.port or _PORTS[url.scheme]
        if url.scheme == "smtps":
            server: SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=self._tls)
        else:
            server = smtplib.SMTP(host, port, timeout=_TIMEOUT)
        try:
            if url.scheme == "smtp+starttls":
                server.starttls(context=self._tls)
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _refusal(code: int) -> MailPutOff | MailRefused:
    """RFC 5321: 4yz may succeed later, 5yz never."""
    return MailPutOff() if 400 <= code < 500 else MailRefused(f"The mail server refused it with {code}.")
