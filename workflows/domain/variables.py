"""Variables: one name for what differs between platforms.

Two-way variables also work backwards: paths of a submission turn into names, so that workers of
every platform find them. Source: Flamenco 3.9, but the longest of overlapping values always wins,
where Flamenco's choice is random.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ALL_PLATFORMS = "all"
WINDOWS = "windows"

_NAME = re.compile(r"\{([^{}]+)\}")
_SEPARATORS = re.compile(r"[/\\]+")
_DRIVE = re.compile(r"[A-Za-z]:")


class Audience(StrEnum):
    ALL = "all"
    WORKERS = "workers"
    USERS = "users"


@dataclass(frozen=True, slots=True)
class VariableValue:
    value: str
    platforms: tuple[str, ...] = (ALL_PLATFORMS,)
    """`linux`, `windows`, `darwin`, `all`, or any word that a worker registers with."""
    audience: Audience = Audience.ALL


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    values: tuple[VariableValue, ...]
    is_twoway: bool = False

    def value_for(self, platform: str, audience: Audience = Audience.WORKERS) -> str | None:
        """None if there is no value for this platform and audience.

        The platform's own value beats that for all, then the audience's own that for all; of two
        alike the later one wins.
        """
        fitting = [
            ((platform in value.platforms, audience is value.audience), value.value)
            for value in self.values
            if {platform, ALL_PLATFORMS} & set(value.platforms)
            and value.audience in {audience, Audience.ALL}
        ]
        if not fitting:
            return None
        # max() keeps the first of equals, hence reversed.
        _, best = max(reversed(fitting), key=lambda ranked: ranked[0])
        return _without_trailing_separators(best) if self.is_twoway else best


#: What a farm has before anybody configures one: Blender from PATH, in the background.
DEFAULT_VARIABLES = (
    Variable(
        "blender",
        (
            VariableValue("blender", ("linux", "darwin")),
            VariableValue("blender.exe", (WINDOWS,)),
        ),
    ),
    Variable("blenderArgs", (VariableValue("-b -y"),)),
)


@dataclass(frozen=True, slots=True)
class Expansion:
    """Names to values, for workers of one platform."""

    platform: str
    one_way: Mapping[str, str]
    two_way: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]
    """The manager's value of each two-way variable, with slashes, and ours; longest first."""

    def parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A command's parameters: strings, and strings directly in lists; nothing deeper."""
        return {name: self._parameter(value) for name, value in parameters.items()}

    def _parameter(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.text(item) if isinstance(item, str) else item for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Expands every name that is known; unknown `{names}` stay.

        What a two-way variable touched is a path, and gets the platform's separators.
        """
        text = _named(text, self.one_way)
        is_named = any(match[1] in self.two_way for match in _NAME.finditer(text))
        path = _named(text, self.two_way)
        # `{jobs}` is one-way, a path of the manager: swapping makes it work on other platforms.
        swap = next((pair for pair in self.prefixes if _slashed(path).startswith(pair[0])), None)
        if swap is not None:
            path = swap[1] + path[len(swap[0]) :]
        return to_platform(path, self.platform) if is_named or swap else text


@dataclass(frozen=True, slots=True)
class Variables:
    definitions: tuple[Variable, ...]

    @classmethod
    def of_farm(cls, configured: Iterable[Variable], storage_path: str) -> "Variables":
        """With the implicit `jobs`, the effective storage path; a configured one is dropped."""
        others = tuple(variable for variable in configured if variable.name != "jobs")
        return cls((*others, Variable("jobs", (VariableValue(storage_path),))))

    def for_workers(self, platform: str, managers_platform: str) -> Expansion:
        return self.expansion(platform, managers_platform, Audience.WORKERS)

    def expansion(self, platform: str, managers_platform: str, audience: Audience) -> Expansion:
        two_way = self._values(platform, audience, is_twoway=True)
        # The manager's own paths are such as workers have.
        managers = self._values(managers_platform, is_twoway=True)
        prefixes = [
            (_slashed(value), two_way[name]) for name, value in managers.items() if name in two_way
        ]
        return Expansion(
            platform=platform,
            one_way=self._values(platform, audience, is_twoway=False),
            two_way=two_way,
            prefixes=tuple(sorted(prefixes, key=_by_length)),
        )

    def in_own_path(self, path: str, platform: str) -> str:
        """A path of the manager's own settings, with variables of both kinds as values.

        The path says where jobs are, so it cannot begin at `{jobs}`.

        Raises:
            ValueError: it names a variable that has no value here.
        """
        values = {
            variable.name: value
            for variable in self.definitions
            if variable.name != "jobs" and (value := variable.value_for(platform)) is not None
        }
        unknown = [name for name in _NAME.findall(path) if name not in values]
        if unknown:
            raise ValueError(
                f"there is no variable {{{unknown[0]}}} with a value for {platform} workers"
            )
        return _named(path, values)

    def fold(self, submitted: Mapping[str, Any], platform: str) -> dict[str, Any]:
        """Settings or metadata of a submission, with values at the start of strings as names.

        Values are those for workers, also here: the submitter's paths must lead workers somewhere.

        Args:
            submitted: only its own string values are looked at, nothing nested.
            platform: the submitter's.
        """
        prefixes = sorted(
            ((value, name) for name, value in self._values(platform, is_twoway=True).items()),
            key=_by_length,
        )
        return {
            key: _folded(value, prefixes) if isinstance(value, str) else value
            for key, value in submitted.items()
        }

    def _values(
        self, platform: str, audience: Audience = Audience.WORKERS, *, is_twoway: bool
    ) -> dict[str, str]:
        """By name. An empty two-way value would be the beginning of everything, so it is none."""
        values = {
            variable.name: variable.value_for(platform, audience)
            for variable in self.definitions
            if variable.is_twoway is is_twoway
        }
        return {
            name: value
            for name, value in values.items()
            if value is not None and (value or not is_twoway)
        }


def to_platform(path: str, platform: str) -> str:
    """Rewrites separators of either kind; repeated ones only survive at the start (`//server`)."""
    separator = "\\" if platform == WINDOWS else "/"
    leading = len(path) - len(path.lstrip("/\\"))
    parts = [part for part in _SEPARATORS.split(path) if part]
    translated = separator * leading + separator.join(parts)
    if platform == WINDOWS and _DRIVE.match(translated) and translated[2:3] != separator:
        # `F:frames` would mean the directory that drive F happens to be in.
        return translated[:2] + separator + translated[2:]
    return translated


def _named(text: str, values: Mapping[str, str]) -> str:
    return _NAME.sub(lambda match: values.get(match[1], match[0]), text)


def _folded(text: str, prefixes: Iterable[tuple[str, str]]) -> str:
    """Case does not matter on any platform, and neither does the kind of slash."""
    slashed = _slashed(text)
    for value, name in prefixes:
        # Cut first: lower-casing may change a string's length.
        if slashed[: len(value)].lower() == _slashed(value).lower():
            return f"{{{name}}}{text[len(value) :]}"
    return text


def _by_length(pair: tuple[str, str]) -> tuple[int, str, str]:
    """Longest first; then by the alphabet, so that the answer is always the same."""
    return (-len(pair[0]), *pair)


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


def _without_trailing_separators(path: str) -> str:
    return path.rstrip("/\\") or path[:1]
