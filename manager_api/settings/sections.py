"""The sections and value types of the manager's settings, in Flamenco's shapes and words."""

import sys
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from manager_api.settings.about import AT_ONCE, About, Secret, Topic
from manager_api.settings.issuers import GroupNames, groups_in, issuer_address, plain_text
from workflows.domain.access import Role
from workflows.domain.durations import format_duration, parse_duration
from workflows.domain.fault_rules import Fault
from workflows.domain.faults import own_rule
from workflows.domain.run_times import RunLimits, WhenSilent
from workflows.domain.variables import ALL_PLATFORMS, Audience
from workflows.domain.variables import Variable as DomainVariable
from workflows.domain.variables import VariableValue as DomainValue


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    # YAML reads a bare 0 as a number. Any other number would lack a unit.
    if isinstance(value, str) or (value == 0 and not isinstance(value, bool)):
        return parse_duration(str(value).strip())
    raise ValueError("a duration needs a unit: 90s, 10m or 1h30m")


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _environment_goes_first(cls, given: Any) -> Any:
        """Drop values of the file that the environment replaces.

        The environment uses names such as `client_id`, the file uses aliases such as `clientID`.
        """
        if not isinstance(given, dict):
            return given
        aliases = {
            field.alias for name, field in cls.model_fields.items() if field.alias and name in given
        }
        return {key: value for key, value in given.items() if key not in aliases}


class VariableValue(Section):
    """A value of a variable, with the audience and the platforms that it is for."""

    value: str
    platform: str = ""
    platforms: tuple[str, ...] = ()
    audience: Literal["", "all", "workers", "users"] = "all"

    @property
    def in_domain(self) -> DomainValue:
        platforms = self.platforms or (self.platform or ALL_PLATFORMS,)
        return DomainValue(self.value, platforms, Audience(self.audience or "all"))


class Variable(Section):
    is_twoway: bool = False
    values: tuple[VariableValue, ...] = ()

    def named(self, name: str) -> DomainVariable:
        return DomainVariable(name, tuple(value.in_domain for value in self.values), self.is_twoway)


class FaultRule(Section):
    """A rule for the cause of a failure; see `workflows.domain.faults`."""

    name: str
    pattern: str
    fault: Fault
    sentence: str

    @model_validator(mode="after")
    def _is_usable(self) -> "FaultRule":
        own_rule(self.name, self.pattern, self.fault, self.sentence)
        return self


class TaskTypeTimes(Section):
    """The limits of one task type, which replace those of the farm."""

    silent_after: Duration | None = None
    when_silent: Literal["show", "stop"] | None = None
    longest_run: Duration | None = None

    @property
    def in_domain(self) -> RunLimits:
        action = self.when_silent and WhenSilent(self.when_silent)
        return RunLimits(self.silent_after, action, self.longest_run)


class GarbageCollect(Section):
    """The times of Shaman's garbage collection, which deletes files that no checkout uses."""

    period: Annotated[Duration, About(Topic.FARM, AT_ONCE, is_flamencos=True)] = timedelta(hours=24)
    """0: never."""
    max_age: Annotated[Duration, About(Topic.FARM, AT_ONCE, is_flamencos=True)] = Field(
        default=timedelta(hours=744), alias="maxAge"
    )


class Shaman(Section):
    enabled: Annotated[
        bool,
        About(
            Topic.FARM, AT_ONCE, is_flamencos=True, default_in_words="`true`, on Windows `false`"
        ),
    ] = sys.platform != "win32"
    """Checkouts are symbolic links, which on Windows only administrators can make."""
    checkout: Annotated[Literal["links", "copies"], About(Topic.FARM, AT_ONCE)] = "links"
    max_upload_bytes: Annotated[int, Field(ge=1), About(Topic.FARM, AT_ONCE)] = 2**40
    """Larger than any file of a job; the limit only stops uploads that never end."""
    garbage_collect: GarbageCollect = Field(default=GarbageCollect(), alias="garbageCollect")


class Tls(Section):
    """What the manager serves HTTPS with: files in PEM, both or none."""

    cert: Annotated[str, About(Topic.REACH, is_in_form=False)] = ""
    """The certificate, followed by those that lead to an authority."""
    key: Annotated[str, About(Topic.REACH, is_in_form=False)] = ""

    @model_validator(mode="after")
    def _are_both_or_none(self) -> "Tls":
        if bool(self.cert) != bool(self.key):
            raise ValueError("cert and key belong together: give both or none")
        return self


class Oidc(Section):
    """The studio's own login: an OpenID provider, and the roles that its groups have here."""

    issuer: Annotated[str, AfterValidator(issuer_address), About(Topic.LOGIN, AT_ONCE)] = ""
    """Empty: there is no such login. It is compared letter by letter, a slash at its end too."""
    client_id: Annotated[str, AfterValidator(plain_text), About(Topic.LOGIN, AT_ONCE)] = ""
    client_secret: Annotated[
        str,
        AfterValidator(plain_text),
        About(Topic.LOGIN, AT_ONCE, secret=Secret.EVERYTHING, sent_to="oidc.issuer"),
    ] = Field(default="", repr=False)
    """Empty: a public client."""
    groups_claim: Annotated[
        str, Field(min_length=1, max_length=255), About(Topic.LOGIN, AT_ONCE)
    ] = "groups"
    admin_groups: Annotated[GroupNames, About(Topic.LOGIN, AT_ONCE)] = ""
    wrangler_groups: Annotated[GroupNames, About(Topic.LOGIN, AT_ONCE)] = ""
    artist_groups: Annotated[GroupNames, About(Topic.LOGIN, AT_ONCE)] = ""
    viewer_groups: Annotated[GroupNames, About(Topic.LOGIN, AT_ONCE)] = ""
    default_role: Annotated[
        Literal["none", "viewer", "artist", "wrangler"], About(Topic.LOGIN, AT_ONCE)
    ] = "none"
    button: Annotated[str, Field(min_length=1, max_length=60), About(Topic.LOGIN, AT_ONCE)] = (
        "Log in with the studio's account"
    )

    @model_validator(mode="after")
    def _has_a_client(self) -> "Oidc":
        if self.issuer and not self.client_id:
            raise ValueError("issuer needs client_id, the name of this farm at the provider")
        return self

    @property
    def roles(self) -> tuple[tuple[Role, frozenset[str]], ...]:
        """The roles with their groups, the highest first."""
        return (
            (Role.ADMIN, groups_in(self.admin_groups)),
            (Role.WRANGLER, groups_in(self.wrangler_groups)),
            (Role.ARTIST, groups_in(self.artist_groups)),
            (Role.VIEWER, groups_in(self.viewer_groups)),
        )


class MqttClient(Section):
    enabled: Annotated[bool, About(Topic.EVENTS, AT_ONCE, is_flamencos=True)] = False
    broker: Annotated[
        str, About(Topic.EVENTS, AT_ONCE, is_flamencos=True, secret=Secret.IN_ADDRESS)
    ] = ""
    client_id: Annotated[str, About(Topic.EVENTS, AT_ONCE, is_flamencos=True)] = Field(
        default="flamenco", alias="clientID"
    )
    topic_prefix: Annotated[str, About(Topic.EVENTS, AT_ONCE, is_flamencos=True)] = "flamenco"
    username: Annotated[str, About(Topic.EVENTS, AT_ONCE, is_flamencos=True)] = ""
    password: Annotated[
        str,
        About(
            Topic.EVENTS,
            AT_ONCE,
            is_flamencos=True,
            secret=Secret.EVERYTHING,
            sent_to="mqtt.client.broker",
        ),
    ] = Field(default="", repr=False)


class Mqtt(Section):
    client: MqttClient = MqttClient()
