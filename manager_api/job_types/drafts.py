"""Scripts that are not in the folder: what they would be there, and built-in ones to begin with."""

from collections.abc import Mapping
from pathlib import Path

from manager_api.job_types.compiling import ScriptCompiler, read_scripts
from manager_api.job_types.folder import described_as
from manager_api.job_types.sandbox import Sandbox, ScriptFailed
from workflows.domain.job_types.definitions import CompileError, JobType

_EMBEDDED = Path(__file__).with_name("embedded")


def draft_job_type(path: Path, source: str, sandbox: Sandbox) -> JobType:
    """What `source` would be as this file; blocks.

    Args:
        path: In the folder that it may require others from. Its directory must exist.

    Raises:
        CompileError: it does not work; the sentence says why.
        TooManyScripts: others do not end.
    """

    def read(of: Path) -> Mapping[str, str]:
        return {**read_scripts(of.parent, of.suffix), of.name: source}

    try:
        return described_as(path, ScriptCompiler(sandbox, read))
    except ScriptFailed as problem:
        raise CompileError(str(problem)) from problem


def embedded_source(name: str) -> str | None:
    """A built-in job type as a script, to be customised: it makes the same tasks."""
    script = _EMBEDDED / f"{name.replace('-', '_')}.js"
    return script.read_text(encoding="utf-8") if script.is_file() else None
