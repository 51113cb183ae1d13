"""The properties of a setting besides its type and default. They are written at its field.

The dashboard's form, the masking of secrets, changes that take effect at once, Flamenco's settings
page and the test of docs/settings.md are derived from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Topic(StrEnum):
    """The heading in docs/settings.md under which a setting is explained."""

    FARM = "The farm"
    REACH = "Who can reach it"
    LOGIN = "A studio's own login"
    TEMPORAL = "Temporal"
    FAILURES = "Failures"
    TIMES = "Times of the protocol"
    EVENTS = "Events"
    NOTIFICATIONS = "Notifications"


class Counts(Enum):
    """When a change of a setting takes effect."""

    AT_ONCE = "at once"
    WITH_JOB = "for jobs from when they are started or requeued"
    AFTER_RESTART = "at the manager's next start"


class Secret(Enum):
    """The part of a setting that is never shown."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    IN_ADDRESS = "the password in an address of the form scheme://user:password@host"
    IN_DATABASE = "the passwords in SQLAlchemy's address of a database"


AT_ONCE, WITH_JOB = Counts.AT_ONCE, Counts.WITH_JOB


@dataclass(frozen=True, slots=True)
class About:
    topic: Topic
    counts: Counts = Counts.AFTER_RESTART
    is_flamencos: bool = False
    """Whether Flamenco has a setting of this name and shows it on its settings page."""
    secret: Secret = Secret.NOTHING
    sent_to: str = ""
    """The dotted name of the address that this secret is sent to."""
    is_in_form: bool = True
    """Whether the dashboard's form shows it."""
    default_in_words: str = ""
    """The default's text in docs/settings.md, if it depends on the machine or another setting."""


class Setting(NamedTuple):
    """A setting with a value, as opposed to a section of settings."""

    name: str
    """The dotted name with the file's keys, such as `shaman.garbageCollect.maxAge`."""
    info: FieldInfo
    about: About

    @property
    def is_live(self) -> bool:
        return self.about.counts is not Counts.AFTER_RESTART


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """Yield all settings of a model and of its sections, in their order."""
    for own_name, info in model.model_fields.items():
        name = f"{prefix}{info.alias or own_name}"
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, f"{name}.")
        else:
            yield Setting(name, info, next(a for a in info.metadata if isinstance(a, About)))
