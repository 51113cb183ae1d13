"""Our interface: webhooks, their deliveries, what a person is told, and what happened lately."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from manager_api.contract.access import Title
from manager_api.contract.base import Answer, Line, Part, Request, at_most
from workflows.domain.email_addresses import checked_email
from workflows.domain.notifications import KINDS, DeliveryState, HappeningKind, Scope, Shape
from workflows.domain.webhooks import LONGEST_ADDRESS, checked_address, checked_secret

#: Rules of one person, and webhooks of a farm.
MOST_RULES = 20
MOST_WEBHOOKS = 50


def _kinds(kinds: list[HappeningKind]) -> list[HappeningKind]:
    if HappeningKind.TEST in kinds:
        raise ValueError('"test" is no kind that a rule may name')
    return [kind for kind in KINDS if kind in kinds]


AKind = Annotated[HappeningKind, Field(strict=False)]
Kinds = Annotated[
    list[AKind], at_most(len(HappeningKind), "kinds"), Field(min_length=1), AfterValidator(_kinds)
]
AScope = Annotated[Scope, Field(strict=False)]


def _check_scope(scope: Scope, value: str) -> None:
    if (scope in (Scope.PROJECT, Scope.TAG, Scope.JOB)) != bool(value.strip()):
        raise ValueError("the scopes project, tag and job have a value, and no other scope has")


Address = Annotated[str, Field(max_length=LONGEST_ADDRESS), AfterValidator(checked_address)]


class WebhookRequest(Request):
    name: Title
    kinds: Kinds
    scope: AScope = Scope.ALL
    value: Line = ""
    """The project's name, or the id of the tag or the job."""
    shape: Annotated[Shape, Field(strict=False)] = Shape.PLAIN
    is_enabled: bool = True

    @model_validator(mode="after")
    def _scope_fits(self) -> "WebhookRequest":
        if self.scope is Scope.MINE:
            raise ValueError("a webhook has no jobs of its own")
        _check_scope(self.scope, self.value)
        return self


class NewWebhookRequest(WebhookRequest):
    address: Address
    secret: Annotated[str, Field(max_length=200), AfterValidator(checked_secret)] | None = None
    """`whsec_` and Base64, if the receiver has made it. Without it the manager makes one."""


class WebhookChange(WebhookRequest):
    address: Address | None = None
    """Without it, the address stays."""


class Webhook(Answer):
    id: str
    name: str
    address: str
    """Its scheme and host. The path, which often has a secret in it, is not shown."""
    kinds: list[HappeningKind]
    scope: Scope
    value: str
    shape: Shape
    is_enabled: bool
    failing_since: datetime | None = None
    trouble: str
    """Why the last try failed; empty if it did not."""
    created: datetime


class Webhooks(Answer):
    webhooks: list[Webhook]


class WebhookSecret(Answer):
    """Shown once."""

    id: str
    secret: str


class DeliveryTry(Answer):
    happened: datetime
    status: int | None = None
    sentence: str
    answer: str
    """The beginning of the receiver's answer."""


class Delivery(Answer):
    id: str
    """The header `webhook-id`, or the beginning of an e-mail's Message-ID."""
    title: str
    state: DeliveryState
    created: datetime
    next_try: datetime | None = None
    tries: list[DeliveryTry]


class Deliveries(Answer):
    deliveries: list[Delivery]


class PersonalRule(Part):
    kinds: Kinds
    scope: AScope = Scope.MINE
    value: Line = ""

    @model_validator(mode="after")
    def _scope_fits(self) -> "PersonalRule":
        _check_scope(self.scope, self.value)
        return self


class PersonalNotifications(Request):
    """What a person is told by e-mail."""

    email: Annotated[str, Field(max_length=300)] = ""
    """Empty: no e-mail is sent."""
    rules: Annotated[list[PersonalRule], at_most(MOST_RULES, "rules"), Field(default_factory=list)]

    @model_validator(mode="after")
    def _address_is_one(self) -> "PersonalNotifications":
        if self.email:
            checked_email(self.email)
        return self


class PersonalAnswer(Answer):
    email: str
    rules: list[PersonalRule]
    can_send: bool
    """Whether the farm has a server for e-mail."""


class TestEmailRequest(Request):
    to: Annotated[str, AfterValidator(checked_email)]


class TestResult(Answer):
    is_sent: bool
    sentence: str


class Told(Answer):
    id: int
    kind: HappeningKind
    happened: datetime
    facts: dict[str, Any]


class ToldList(Answer):
    notifications: list[Told]
