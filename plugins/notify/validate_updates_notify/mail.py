"""Mail: one plain message over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from validate_updates import printable
from validate_updates_notify.delivering import Undelivered
from validate_updates_notify.messages import Message
from validate_updates_notify.reaching import in_words, refuse_link_local
from validate_updates_notify.revealing import revealed
from validate_updates_notify.settings import Email, Security

_SUBJECT: Final = 150


def send_mail(settings: Email, message: Message, *, seconds: float) -> str:
    """Send it; who did not get it though others did. Raises :class:`Undelivered` where nobody did."""
    password = revealed(settings.password) if settings.password else ""
    with in_words(seconds):
        refuse_link_local(settings.server, settings.port, allowed=settings.allow_link_local)
        try:
            with _session(settings, seconds) as session:
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


def _session(settings: Email, seconds: float) -> smtplib.SMTP:
    server, port, context = settings.server, settings.port, ssl.create_default_context()
    if settings.security is Security.TLS:
        return smtplib.SMTP_SSL(server, port, timeout=seconds, context=context)
    session = smtplib.SMTP(server, port, timeout=seconds)
    if settings.security is Security.STARTTLS:
        session.starttls(context=context)
    return session


def _mail(settings: Email, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = printable(f"[validate-updates] {message.title}", _SUBJECT)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="validate-updates.invalid")
    mail.set_content("\n".join(message.lines) + "\n")
    return mail
