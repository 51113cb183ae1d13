"""Variables: names for values that differ between platforms.

Two-way variables also work backwards: paths in a submission are replaced by names, so that workers
of every platform find the files. Source: Flamenco 3.9, with one difference: of overlapping values
the longest always wins, where Flamenco's choice is random.
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
    """`linux`, `windows`, `darwin`, `all`, or any other platform that a worker registers with."""
    audience: Audience = Audience.ALL


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    values: tuple[VariableValue, ...]
    is_twoway: bool = False

    def value_for(self, platform: str, audience: Audience = Audience.WORKERS) -> str | None:
        """Return the value for this platform and audience; None if there is none.

        A value for the platform itself beats one for all platforms; then a value for the audience
        itself beats one for all audiences. Of two values that are alike, the later one wins.
        """
        fitting = [
            ((platform in value.platforms, audience is value.audience), value.value)
            for value in self.values
            if {platform, ALL_PLATFORMS} & set(value.platforms)
            and value.audience in {audience, Audience.ALL}
        ]
        if not fitting:
            return None
        # Reversed, because max() returns the first of equal items.
        _, best = max(reversed(fitting), key=lambda ranked: ranked[0])
        return _without_trailing_separators(best) if self.is_twoway else best


#: The variables of a farm that configures none: Blender from PATH, in the background.
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
    """Replaces variables by their values, for workers of one platform."""

    platform: str
    one_way: Mapping[str, str]
    two_way: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]
    """For each two-way variable: the manager's value, with forward slashes, and this platform's.
    The longest comes first."""

    def parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Expand a command's parameters: strings, and strings directly in lists; nothing deeper."""
        return {name: self._parameter(value) for name, value in parameters.items()}

    def _parameter(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.text(item) if isinstance(item, str) else item for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Expand every known variable; unknown `{names}` stay.

        A text in which a two-way variable was expanded is a path, and gets the platform's
        separators.
        """
        text = _named(text, self.one_way)
        is_named = any(match[1] in self.two_way for match in _NAME.finditer(text))
        path = _named(text, self.two_way)
        # `{jobs}` is one-way and a path on the manager. To make it work on this platform, the
        # manager's value at its start is replaced by the platform's.
        swap = next((pair for pair in self.prefixes if _slashed(path).startswith(pair[0])), None)
        if swap is not None:
            path = swap[1] + path[len(swap[0]) :]
        return to_platform(path, self.platform) if is_named or swap else text


@dataclass(frozen=True, slots=True)
class Variables:
    definitions: tuple[Variable, ...]

    @classmethod
    def of_farm(cls, configured: Iterable[Variable], storage_path: str) -> "Variables":
        """Return the farm's variables, with the implicit `jobs`; a configured `jobs` is dropped.

        Args:
            storage_path: the effective one, the value of `jobs`.
        """
        others = tuple(variable for variable in configured if variable.name != "jobs")
        return cls((*others, Variable("jobs", (VariableValue(storage_path),))))

    def for_workers(self, platform: str, managers_platform: str) -> Expansion:
        return self.expansion(platform, managers_platform, Audience.WORKERS)

    def expansion(self, platform: str, managers_platform: str, audience: Audience) -> Expansion:
        two_way = self._values(platform, audience, is_twoway=True)
        # Paths in the manager's settings use the values for workers on the manager's platform.
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
        """Expand one-way and two-way variables in a path of the manager's own settings.

        The path tells where jobs are stored, so it cannot contain `{jobs}`.

        Raises:
            ValueError: the path names a variable that has no value for this platform.
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
        """Replace values at the start of strings in a submission by the names of two-way variables.

        The values are those for workers, because the workers must find the submitter's paths.

        Args:
            submitted: settings or metadata; only its own string values change, nothing nested.
            platform: the submitter's platform.
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
        """Return values by name. Empty two-way values are left out: every path begins with them."""
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
    """Return the path with the platform's separators.

    Repeated separators stay only at the start (`//server`).
    """
    separator = "\\" if platform == WINDOWS else "/"
    leading = len(path) - len(path.lstrip("/\\"))
    parts = [part for part in _SEPARATORS.split(path) if part]
    translated = separator * leading + separator.join(parts)
    if platform == WINDOWS and _DRIVE.match(translated) and translated[2:3] != separator:
        # `F:frames` would mean a path in the current directory of drive F.
        return translated[:2] + separator + translated[2:]
    return translated


def _named(text: str, values: Mapping[str, str]) -> str:
    return _NAME.sub(lambda match: values.get(match[1], match[0]), text)


def _folded(text: str, prefixes: Iterable[tuple[str, str]]) -> str:
    """Replace a value at the start of a text by its name; ignore case and the kind of slash."""
    slashed = _slashed(text)
    for value, name in prefixes:
        # Cut before lower-casing, which may change a string's length.
        if slashed[: len(value)].lower() == _slashed(value).lower():
            return f"{{{name}}}{text[len(value) :]}"
    return text


def _by_length(pair: tuple[str, str]) -> tuple[int, str, str]:
    """Return a sort key: longest first, then alphabetical, to make the order definite."""
    return (-len(pair[0]), *pair)


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


def _without_trailing_separators(path: str) -> str:
    return path.rstrip("/\\") or path[:1]
