"""Job types and their settings, as the manager describes them. Unknown fields are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from .setting_values import NotAValue, Value, fitted

#: Subtypes of settings that get a file or folder dialog in Blender.
SUBTYPES = frozenset({"file_path", "dir_path", "file_name", "hashed_file_path"})


class SettingType(str, Enum):
    STRING = "string"
    INT32 = "int32"
    FLOAT = "float"
    BOOL = "bool"


class Visibility(str, Enum):
    VISIBLE = "visible"
    SUBMISSION = "submission"
    """Shown only where a job is submitted, as in this add-on."""
    WEB = "web"
    """Shown only in the dashboard."""
    HIDDEN = "hidden"


@dataclass(frozen=True)
class EvalInfo:
    show_link_button: bool
    """The artist may switch between the expression's value and a typed one."""
    description: str
    """The meaning of the expression's value, for people: "Scene frame range"."""


@dataclass(frozen=True)
class Setting:
    key: str
    type: SettingType = SettingType.STRING
    subtype: str = ""
    """One of `SUBTYPES`, or empty."""
    choices: tuple[str, ...] = ()
    propargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Further arguments of the Blender property: `min`, `max`, `soft_max`, `precision`, …"""
    description: str = ""
    label: str = ""
    default: Any = field(default=None, hash=False)
    eval: str = ""
    """A Python expression that gives the value; empty: there is none."""
    eval_info: EvalInfo | None = None
    visible: Visibility = Visibility.VISIBLE
    required: bool = False
    editable: bool = True

    @property
    def is_shown(self) -> bool:
        """Whether a panel for submission shows it."""
        return self.visible in (Visibility.VISIBLE, Visibility.SUBMISSION)

    @property
    def is_editable(self) -> bool:
        return self.editable

    @property
    def has_link(self) -> bool:
        """Whether the artist may choose between the expression's value and a typed one."""
        return bool(self.eval and self.eval_info and self.eval_info.show_link_button)

    @property
    def is_evaluated(self) -> bool:
        """Whether its expression always gives its value, because the artist cannot type one."""
        return bool(self.eval) and not (self.is_shown and self.is_editable)

    @property
    def default_value(self) -> Value:
        """The default, in the setting's type even if the job type's own default is not."""
        for wanted in (self.default, self.choices[0] if self.choices else None, self._nothing):
            if wanted is not None:
                try:
                    return self.coerce(wanted)
                except NotAValue:
                    continue
        return self._nothing

    @property
    def _nothing(self) -> Value:
        nothing: dict[SettingType, Value] = {
            SettingType.STRING: "",
            SettingType.INT32: 0,
            SettingType.FLOAT: 0.0,
            SettingType.BOOL: False,
        }
        return nothing[self.type]

    def coerce(self, value: object) -> Value:
        """Return the value in the setting's type, moved between its `min` and `max`.

        Raises:
            NotAValue: it does not fit the setting.
        """
        fitting = fitted(value, self.type.value, self.propargs, self.label)
        if self.choices and fitting not in self.choices:
            allowed = ", ".join(self.choices)
            raise NotAValue(self.label, f"“{fitting}” is not among {allowed}")
        return fitting

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Setting":
        """Read a setting from the manager's answer.

        Raises:
            KeyError: it has no key.
        """
        key = str(told["key"])
        kind = _one_of(SettingType, told.get("type"), SettingType.STRING)
        subtype = told.get("subtype")
        choices = told.get("choices") if kind is SettingType.STRING else None
        return cls(
            key=key,
            type=kind,
            subtype=subtype if subtype in SUBTYPES and kind is SettingType.STRING else "",
            choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
            propargs=_mapping(told.get("propargs")),
            description=_text(told.get("description")),
            label=_text(told.get("label")) or key.replace("_", " ").title(),
            default=told.get("default"),
            eval=_text(told.get("eval")),
            eval_info=_eval_info(told.get("evalInfo")),
            visible=_one_of(Visibility, told.get("visible"), Visibility.VISIBLE),
            required=told.get("required") is True,
            # A missing value means true, as in Flamenco's own add-on; job types rely on it.
            editable=told.get("editable") is not False,
        )


@dataclass(frozen=True)
class JobType:
    name: str
    label: str
    settings: tuple[Setting, ...]
    etag: str = ""
    """Changes with the settings. The manager refuses a job made with older settings."""
    description: str = ""

    def setting(self, key: str) -> Setting | None:
        return next((each for each in self.settings if each.key == key), None)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "JobType":
        """Read a job type from the manager's answer.

        Raises:
            KeyError: it has no name.
        """
        name = str(told["name"])
        settings = told.get("settings")
        return cls(
            name=name,
            label=_text(told.get("label")) or name.replace("-", " ").title(),
            settings=tuple(
                Setting.from_json(each)
                for each in (settings if isinstance(settings, list) else ())
                if isinstance(each, dict) and each.get("key")
            ),
            etag=_text(told.get("etag")),
            description=_text(told.get("description")),
        )


def job_types_from_json(told: object) -> tuple[JobType, ...]:
    """Read the answer of `getJobTypes`; leave out entries that are not job types."""
    listed = _mapping(told).get("job_types")
    return tuple(
        JobType.from_json(each)
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and each.get("name")
    )


_Known = TypeVar("_Known", bound=Enum)


def _one_of(kind: type[_Known], told: object, otherwise: _Known) -> _Known:
    # A newer manager may have values that this add-on does not know.
    return next((each for each in kind if each.value == told), otherwise)


def _eval_info(told: object) -> EvalInfo | None:
    if not isinstance(told, dict):
        return None
    return EvalInfo(told.get("showLinkButton") is True, _text(told.get("description")))


def _text(told: object) -> str:
    return told if isinstance(told, str) else ""


def _mapping(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}
