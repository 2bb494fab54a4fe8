"""Mail: one plain message over SMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from validate_updates import printable
from validate_updates_notify.delivering import Undelivered
from validate_updates_notify.messages import Message
from validate_updates_notify.reaching import in_words, reach
from validate_updates_notify.revealing import revealed
from validate_updates_notify.settings import Email, Security

_SUBJECT: Final = 150


def send_mail(settings: Email, message: Message, *, seconds: float) -> str:
    """Send it; who did not get it though others did. Raises :class:`Undelivered` where nobody did."""
    password = revealed(settings.password) if settings.password else ""
    with in_words(seconds):
        try:
            context = ssl.create_default_context()
            with _session(settings, seconds, context) as session:
                if settings.security is Security.STARTTLS:
                    session.starttls(context=context)
                if password:
                    session.login(settings.user, password)
                refused = session.send_message(_mail(settings, message))
        except smtplib.SMTPResponseException as error:
            again = 400 <= error.smtp_code < 500
            raise Undelivered(f"was refused by the mail server ({error.smtp_code})", again=again) from None
        except smtplib.SMTPException as error:
            again = isinstance(error, smtplib.SMTPServerDisconnected)
            raise Undelivered(f"was not taken by the mail server [{type(error).__name__}]", again=again) from None
    return f"the mail server refused {len(refused)} of {len(settings.to)} recipients" if refused else ""


def _session(settings: Email, seconds: float, context: ssl.SSLContext) -> smtplib.SMTP:
    return _Encrypted(settings, seconds, context) if settings.security is Security.TLS else _Plain(settings, seconds)


class _Plain(smtplib.SMTP):
    """Connects to the address that was looked at."""

    def __init__(self, settings: Email, seconds: float) -> None:
        self._allow_link_local = settings.allow_link_local
        super().__init__(settings.server, settings.port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return reach(host, port, seconds=timeout, allow_link_local=self._allow_link_local)


class _Encrypted(smtplib.SMTP_SSL):
    """Likewise, encrypted from the first byte."""

    def __init__(self, settings: Email, seconds: float, context: ssl.SSLContext) -> None:
        self._allow_link_local = settings.allow_link_local
        super().__init__(settings.server, settings.port, timeout=seconds, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = reach(host, port, seconds=timeout, allow_link_local=self._allow_link_local)
        return self.context.wrap_socket(plain, server_hostname=host)


def _mail(settings: Email, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = printable(f"[validate-updates] {message.title}", _SUBJECT)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="validate-updates.invalid")
    mail.set_content("\n".join(message.lines) + "\n")
    return mail
