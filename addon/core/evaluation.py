"""Values that job types give as Python expressions, with the names that Flamenco promises them.

Source: Flamenco's add-on: empty globals, and `bpy`, `C`, `jobname`, `Path`, `abspath`,
`last_n_dir_parts` and `settings` as locals. Only Blender can supply the first two.
"""

from collections.abc import Callable, Container, Mapping
from pathlib import Path, PurePath
from typing import Any

from .job_types import JobType, Setting
from .setting_values import NotAValue, Value


class EvaluationFailed(Exception):
    """A setting's expression has no value now; the text says which one and why."""

    def __init__(self, label: str, why: object) -> None:
        """
        Args:
            label: of the setting.
            why: what its expression raised, or what that says.
        """
        self.label = label
        self.why = str(why) or type(why).__name__
        super().__init__(f"{label} cannot be found out: {self.why}")


def evaluate(expression: str, namespace: Mapping[str, Any], label: str = "The setting") -> Any:
    """
    Args:
        label: of the setting, for the sentence when it fails.

    Raises:
        EvaluationFailed: the expression raises, or is none.
    """
    try:
        # Job types are the farm's own code, as trusted as what its workers run. Globals, not
        # locals as well: what a comprehension names is looked up among globals only.
        return eval(expression, dict(namespace))
    except SystemExit as error:
        raise EvaluationFailed(label, "its expression would end Blender") from error
    except Exception as error:
        raise EvaluationFailed(label, error) from error


def namespace_for(job_name: str, blendfile: Path | None, **supplied: Any) -> dict[str, Any]:
    """The names for expressions, without `settings`, which `SettingsInUse` is for.

    Args:
        blendfile: the file that is submitted; None: not saved.
        supplied: further names, or others in place of ours: `bpy`, `C`, `abspath`.
    """
    own: dict[str, Any] = {
        "jobname": job_name,
        "Path": Path,
        "abspath": lambda path: absolute(str(path), blendfile),
        "last_n_dir_parts": lambda n, file=None: last_n_dir_parts(n, file or blendfile),
    }
    return own | supplied


def absolute(path: str, blendfile: Path | None) -> str:
    """As `bpy.path.abspath`: `//` begins at the blend file's folder."""
    if path.startswith("//") and blendfile is not None:
        return str(blendfile.parent / path[2:].lstrip("/"))
    return path


def last_n_dir_parts(n: int, file: str | PurePath | None) -> Path:
    """The last `n` folders that a file is in; an empty path for 0, and for no file."""
    if n <= 0 or file is None:
        return Path()
    parts = Path(file).parent.parts
    # The root is no folder to put below another one.
    return Path(*[each for each in parts[-n:] if each != Path(file).anchor])


class SettingsInUse:
    """The values of a job type's settings, each evaluated when somebody first asks for it.

    An expression finds it under `settings`, so expressions may use each other's values in any
    order.
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
            chosen: values by key, of the artist's making.
            namespace: as `namespace_for` makes it.
            linked: keys with a link button whose expression counts; None: those not chosen.
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
        """
        Raises:
            EvaluationFailed: its expression has no value.
            NotAValue: what was chosen is none of its type.
        """
        if setting.key not in self._known:
            self._known[setting.key] = self._find(setting)
        return self._known[setting.key]

    def is_from_expression(self, setting: Setting) -> bool:
        if not setting.eval:
            return False
        if setting.is_evaluated:
            # A script may say what Blender is not there to tell.
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
    """Every setting of the job type; what a job is submitted with.

    Args:
        on_failure: told of each that has no value, which is then left out; None: the first
            one raises.

    Raises:
        EvaluationFailed: as said.
        NotAValue: a chosen value is none of its setting's type.
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
