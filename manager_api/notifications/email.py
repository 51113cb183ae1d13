"""Sends one message by e-mail, to one person."""

import asyncio
import contextlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from manager_api.notifications.email_failures import failed
from manager_api.notifications.outbox import Claimed, Outcome
from manager_api.settings.notifications import Smtp
from workflows.domain.notification_texts import plain_text

#: For each answer of the server, and for the whole.
_ANSWERS_WITHIN_S = 10.0
WITHIN_S = 40.0
_LONGEST_SUBJECT = 200


def mail_of(delivery: Claimed, settings: Smtp, farm: str, farm_url: str) -> EmailMessage:
    """Return the e-mail. Its Message-ID is the same at each try, so repeats can be recognised."""
    title = f"{farm}: {delivery.message.title}"
    mail = EmailMessage()
    # The library refuses line breaks in headers, and a farm's name may have them.
    mail["Subject"] = "".join(c if c.isprintable() else " " for c in title)[:_LONGEST_SUBJECT]
    mail["From"] = Address(addr_spec=settings.sender)
    mail["To"] = Address(addr_spec=delivery.address)
    mail["Date"] = format_datetime(delivery.created)
    mail["Message-ID"] = f"<{delivery.id}@{settings.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    where = f"{farm_url.rstrip('/')}/app/account" if farm_url else "My account in the dashboard"
    text = plain_text(delivery.message, farm_url)
    mail.set_content(f"{delivery.message.title}\n\n{text}\n\n-- \nWhat you are told: {where}\n")
    return mail


async def send(delivery: Claimed, settings: Smtp, farm: str, farm_url: str) -> Outcome:
    if not settings.host:
        return Outcome(False, "the farm has no mail server: the setting smtp.host is empty")
    if not delivery.address:
        return Outcome(False, "the person has no e-mail address", is_final=True)
    call = _Call(settings, mail_of(delivery, settings, farm, farm_url))
    try:
        async with asyncio.timeout(WITHIN_S):
            await asyncio.to_thread(call.send)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return failed(error, settings.host)
    finally:
        # After a time-out, and when the manager ends, the thread still waits.
        call.hang_up()
    return Outcome(True, "taken by the server")


class _Call:
    """One connection to the server, from a thread; `hang_up` ends it from another one."""

    def __init__(self, settings: Smtp, mail: EmailMessage) -> None:
        self._settings = settings
        self._mail = mail
        self._smtp: smtplib.SMTP | None = None

    def send(self) -> None:
        settings = self._settings
        if settings.security == "tls":
            context = ssl.create_default_context()
            self._smtp = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=_ANSWERS_WITHIN_S, context=context
            )
        else:
            self._smtp = smtplib.SMTP(settings.host, settings.port, timeout=_ANSWERS_WITHIN_S)
        try:
            if settings.security == "starttls":
                self._smtp.starttls(context=ssl.create_default_context())
            if settings.user:
                self._smtp.login(settings.user, settings.password)
            self._smtp.send_message(self._mail)
        finally:
            # It is taken; what comes after that does not change it.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()

    def hang_up(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
