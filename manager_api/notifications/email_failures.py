"""Says in words why an e-mail was not sent."""

import smtplib

from activities.connections.failures import why_it_failed
from manager_api.notifications.outbox import Outcome

_NO_LOGIN = "it offers no login that the manager knows; empty smtp.user, or use another server"


def failed(error: smtplib.SMTPException | OSError | UnicodeError, host: str) -> Outcome:
    """Return how a try ended that raised this error. The server's own texts are not quoted."""
    server = f"the mail server {host}"
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = next((code for code, _ in error.recipients.values()), 0)
            sentence = f"{server} refuses the address of the recipient{_with(code)}"
            return Outcome(False, sentence, code or None, is_final=500 <= code < 600)
        case smtplib.SMTPResponseException():
            sentence = f"{server} {_refuses(error)}{_with(error.smtp_code)}"
            return Outcome(False, sentence, error.smtp_code)
        case smtplib.SMTPNotSupportedError():
            return Outcome(False, f"{server} cannot be used: {_not_offered(error)}")
        case smtplib.SMTPServerDisconnected() if error.__context__ is None:
            return Outcome(False, f"{server} broke off the connection")
        case smtplib.SMTPException() if error.__context__ is None:
            return Outcome(False, f"{server} cannot be used: {_NO_LOGIN}")
    return Outcome(False, f"{server} does not answer: {why_it_failed(error)}")


def _refuses(error: smtplib.SMTPResponseException) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "refuses the login"
        case smtplib.SMTPSenderRefused():
            return "refuses the sender's address, smtp.sender"
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            return "refuses the connection"
    return "refuses the message"


def _with(code: int) -> str:
    return f" (SMTP {code})" if code > 0 else ""


def _not_offered(error: smtplib.SMTPNotSupportedError) -> str:
    """Return the extension that the server lacks; the library names it only in its text."""
    text = str(error).upper()
    if "STARTTLS" in text:
        return "it offers no TLS by STARTTLS; smtp.security may be tls or none instead"
    if "AUTH" in text:
        return _NO_LOGIN
    return "it does not take addresses with such letters"
