"""Why a login by the OpenID provider did not happen."""

from enum import StrEnum

from manager_api.contract.errors import FarmError


class WhyNot(StrEnum):
    """The words by which the login page knows its sentence; it shows nothing of the provider's."""

    OFF = "off"
    """No provider is set."""
    AWAY = "away"
    """The provider does not answer, or not with what it must."""
    REFUSED = "refused"
    """The provider refused, or the person turned back there."""
    OLD = "old"
    """The login was begun too long ago, in another browser, or is finished already."""
    WRONG = "wrong"
    """What the provider says of the person is not valid."""
    NO_ROLE = "no-role"
    """None of the person's groups has a role here."""
    DISABLED = "disabled"
    """An administrator has disabled the person's account."""
    BUSY = "busy"
    """Too many logins have begun, or the database is busy."""


class NotLoggedIn(FarmError):
    """A login by the provider was refused. The text is for the audit and the log.

    Args:
        why: what the login page is told.
        name: the person's name, as far as it is proved.
    """

    http_status = 401

    def __init__(self, why: WhyNot, text: str, name: str = "") -> None:
        super().__init__(text)
        self.why = why
        self.name = name
