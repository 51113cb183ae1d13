"""The sections `notifications` and `smtp` of the manager's settings."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from manager_api.settings.about import AT_ONCE, About, Secret, Topic
from manager_api.settings.issuers import plain_text
from manager_api.settings.reach import is_loopback
from manager_api.settings.sections import Duration, Section
from workflows.domain.email_addresses import checked_email
from workflows.domain.notifications import Times


def _sender(text: str) -> str:
    return checked_email(text) if text else ""


class Notifications(Section):
    """When notifications are sent, and sent again."""

    gather: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(seconds=5)
    gather_longest: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(minutes=1)
    waits_long: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(minutes=10)
    first_pause: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(seconds=10)
    give_up: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(days=1)
    disable: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(days=3)
    claim: Annotated[Duration, About(Topic.NOTIFICATIONS, AT_ONCE)] = timedelta(minutes=1)
    """Longer than one try may take, or two managers would send the same."""

    @property
    def times(self) -> Times:
        return Times(
            gather=self.gather,
            gather_longest=self.gather_longest,
            waits_long=self.waits_long,
            first_pause=self.first_pause,
            give_up=self.give_up,
            disable=self.disable,
            claim=self.claim,
        )


class Smtp(Section):
    """The server that takes e-mail."""

    host: Annotated[
        str, Field(max_length=255), AfterValidator(plain_text), About(Topic.NOTIFICATIONS, AT_ONCE)
    ] = ""
    """Empty: no e-mail is sent."""
    port: Annotated[int, Field(ge=1, le=65_535), About(Topic.NOTIFICATIONS, AT_ONCE)] = 587
    security: Annotated[Literal["starttls", "tls", "none"], About(Topic.NOTIFICATIONS, AT_ONCE)] = (
        "starttls"
    )
    user: Annotated[
        str, Field(max_length=255), AfterValidator(plain_text), About(Topic.NOTIFICATIONS, AT_ONCE)
    ] = ""
    password: Annotated[
        str,
        Field(max_length=1_000),
        AfterValidator(plain_text),
        About(Topic.NOTIFICATIONS, AT_ONCE, secret=Secret.EVERYTHING, sent_to="smtp.host"),
    ] = Field(default="", repr=False)
    sender: Annotated[str, AfterValidator(_sender), About(Topic.NOTIFICATIONS, AT_ONCE)] = ""

    @model_validator(mode="after")
    def _can_send(self) -> "Smtp":
        if self.host and not self.sender:
            raise ValueError("host needs sender, the address that e-mail comes from")
        if self.password and self.security == "none" and not is_loopback(self.host):
            raise ValueError(
                "a password is sent with security: starttls or tls, or to this machine only"
            )
        return self
