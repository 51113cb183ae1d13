"""Evaluates the Python expressions of job types' settings, with the names that Flamenco defines.

Source: Flamenco's add-on. It evaluates with empty globals, and with `bpy`, `C`, `jobname`, `Path`,
`abspath`, `last_n_dir_parts` and `settings` as locals. Only Blender can supply the first two.
"""

from collections.abc import Callable, Container, Mapping
from pathlib import Path, PurePath
from typing import Any

from .job_types import JobType, Setting
from .setting_values import NotAValue, Value


class EvaluationFailed(Exception):
    """A setting's expression has no value now; the text names the setting and says why."""

    def __init__(self, label: str, why: object) -> None:
        """
        Args:
            label: the setting's label.
            why: the exception that the expression raised, or its text.
        """
        self.label = label
        self.why = str(why) or type(why).__name__
        super().__init__(f"{label} cannot be evaluated: {self.why}")


def evaluate(expression: str, namespace: Mapping[str, Any], label: str = "The setting") -> Any:
    """Return the value of an expression.

    Args:
        label: the setting's label, for the error's sentence.

    Raises:
        EvaluationFailed: the expression raises, or is not valid Python.
    """
    try:
        # Job types are the farm's own code, as trusted as the programs that its workers run.
        # The names are globals, because a comprehension in `eval` does not see the locals.
        return eval(expression, dict(namespace))
    except SystemExit as error:
        raise EvaluationFailed(label, "its expression would end Blender") from error
    except Exception as error:
        raise EvaluationFailed(label, error) from error


def namespace_for(job_name: str, blendfile: Path | None, **supplied: Any) -> dict[str, Any]:
    """Return the names for expressions, except `settings`, which `SettingsInUse` adds.

    Args:
        blendfile: the file that is submitted; None: it was never saved.
        supplied: further names, or replacements of ours: `bpy`, `C`, `abspath`.
    """
    own: dict[str, Any] = {
        "jobname": job_name,
        "Path": Path,
        "abspath": lambda path: absolute(str(path), blendfile),
        "last_n_dir_parts": lambda n, file=None: last_n_dir_parts(n, file or blendfile),
    }
    return own | supplied


def absolute(path: str, blendfile: Path | None) -> str:
    """Make a path absolute as `bpy.path.abspath` does: `//` stands for the blend file's folder."""
    if path.startswith("//") and blendfile is not None:
        return str(blendfile.parent / path[2:].lstrip("/"))
    return path


def last_n_dir_parts(n: int, file: str | PurePath | None) -> Path:
    """Return the last `n` folders of a file's path; an empty path if `n` is 0 or `file` is None."""
    if n <= 0 or file is None:
        return Path()
    parts = Path(file).parent.parts
    # Leave the root out: the result is used below another folder.
    return Path(*[each for each in parts[-n:] if each != Path(file).anchor])


class SettingsInUse:
    """The values of a job type's settings. Each is evaluated when it is first read.

    Expressions know this object as `settings`, so they may use each other's values in any order.
    """

    def __init__(
        self,
        job_type: JobType,
        chosen: Mapping[str, Any],
        namespace: Mapping[str, Any],
        linked: Container[str] | None = None,
    ) -> None:
        """
        Args:
            chosen: the values that the artist chose, by key.
            namespace: the result of `namespace_for`.
            linked: keys of the settings with a link button that use their expression; None:
                those that have no chosen value.
        """
        self._job_type = job_type
        self._chosen = chosen
        self._namespace = {**namespace, "settings": self}
        self._linked = linked
        self._known: dict[str, Value] = {}
        self._asking: list[str] = []

    def __getattr__(self, key: str) -> Value:
        setting = None if key.startswith("_") else self._job_type.setting(key)
        if setting is None:
            raise AttributeError(f"the job type has no setting “{key}”")
        return self.value_of(setting)

    def __getitem__(self, key: str) -> Value:
        return self.__getattr__(key)

    def value_of(self, setting: Setting) -> Value:
        """Return the setting's value.

        Raises:
            EvaluationFailed: its expression has no value.
            NotAValue: the chosen value does not fit its type.
        """
        if setting.key not in self._known:
            self._known[setting.key] = self._find(setting)
        return self._known[setting.key]

    def is_from_expression(self, setting: Setting) -> bool:
        if not setting.eval:
            return False
        if setting.is_evaluated:
            # Without Blender, a script may give the value of a setting that is not shown.
            return setting.is_shown or setting.key not in self._chosen
        if setting.has_link and self._linked is not None:
            return setting.key in self._linked
        return self._chosen.get(setting.key) is None

    def _find(self, setting: Setting) -> Value:
        if not self.is_from_expression(setting):
            chosen = self._chosen.get(setting.key)
            return setting.default_value if chosen is None else setting.coerce(chosen)
        if setting.key in self._asking:
            raise EvaluationFailed(setting.label, "it depends on itself")
        self._asking.append(setting.key)
        try:
            return _fitting(setting, evaluate(setting.eval, self._namespace, setting.label))
        finally:
            self._asking.pop()


def _fitting(setting: Setting, value: object) -> Value:
    try:
        return setting.coerce(value)
    except NotAValue as error:
        raise EvaluationFailed(setting.label, error) from error


def evaluate_all(
    in_use: SettingsInUse,
    job_type: JobType,
    on_failure: Callable[[Setting, EvaluationFailed], None] | None = None,
) -> dict[str, Value]:
    """Return the values of all settings of the job type, with which a job is submitted.

    Args:
        on_failure: called for each setting whose expression fails; the result lacks that
            setting. None: the first failure is raised.

    Raises:
        EvaluationFailed: an expression failed, and `on_failure` is None.
        NotAValue: a chosen value does not fit its setting's type.
    """
    values: dict[str, Value] = {}

    def keep(setting: Setting) -> None:
        try:
            values[setting.key] = in_use.value_of(setting)
        except EvaluationFailed as failure:
            if on_failure is None:
                raise
            on_failure(setting, failure)

    for setting in job_type.settings:
        keep(setting)
    return values
