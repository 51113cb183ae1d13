"""Scripts that are not in the folder: drafts to try out, and the sources of built-in job types."""

from collections.abc import Mapping
from pathlib import Path

from manager_api.job_types.compiling import ScriptCompiler, read_scripts
from manager_api.job_types.folder import described_as
from manager_api.job_types.sandbox import Sandbox, ScriptFailed
from workflows.domain.job_types.definitions import CompileError, JobType

_EMBEDDED = Path(__file__).with_name("embedded")


def draft_job_type(path: Path, source: str, sandbox: Sandbox) -> JobType:
    """Return the job type that `source` would define in the file `path`; blocks.

    Args:
        path: A file, which need not exist, in the folder whose scripts the draft may require. The
            folder must exist.

    Raises:
        CompileError: the draft does not work; the sentence says why.
        TooManyScripts: other scripts did not end in time.
    """

    def read(of: Path) -> Mapping[str, str]:
        return {**read_scripts(of.parent, of.suffix), of.name: source}

    try:
        return described_as(path, ScriptCompiler(sandbox, read))
    except ScriptFailed as problem:
        raise CompileError(str(problem)) from problem


def embedded_source(name: str) -> str | None:
    """Return a script that makes the same tasks as a built-in job type; None if there is none."""
    script = _EMBEDDED / f"{name.replace('-', '_')}.js"
    return script.read_text(encoding="utf-8") if script.is_file() else None
