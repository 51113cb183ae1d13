"""Looks through a .blend file with BAT 1, in a Python process of its own, for Blender before 5.1.1.

As a process it can be stopped at once, never blocks Blender's interface, and shares no module with
another add-on that has its own BAT. Its only argument is a JSON object: `blendfile`,
`project_root`, `scratch` (a temporary folder), `what` ("pack" or "missing") and `wheels` (paths
that go first in `sys.path`). It writes its answer to `answer.json` in the scratch folder.
"""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_REQUEST: dict[str, Any] = json.loads(sys.argv[1])
sys.path[:0] = [*_REQUEST["wheels"], str(Path(__file__).parent)]

try:
    from blender_asset_tracer import blendfile, pack, trace
    from blender_asset_tracer.pack import transfer
    from blender_asset_tracer.trace import file_sequence, progress, result
except ModuleNotFoundError:
    _say("wrong: this Python lacks BAT: pip install blender-asset-tracer==1.23")
    sys.exit(1)

from sequences import numbered_like, standing_for  # type: ignore[import-not-found] # noqa: E402


def _expanded(path: Path) -> Iterator[Path]:
    """Yield the files that a path stands for.

    This replaces BAT's own function, which takes a folder named `[v2]` for a pattern.
    """
    if "*" in path.name or "<UDIM>" in path.name:
        yield from standing_for(path)
    elif path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file())
    elif path.exists():
        yield from numbered_like(path)
    else:
        raise file_sequence.DoesNotExist(path)


class _Steps(progress.Callback):
    """Prints the name of each .blend file that BAT looks at."""

    def trace_blendfile(self, filename: Path) -> None:
        _say(f"step: {filename.name}")


class _PackSteps(pack.progress.Callback):
    def trace_blendfile(self, filename: Path) -> None:
        _say(f"step: {filename.name}")

    def rewrite_blendfile(self, orig_filename: Path) -> None:
        _say(f"step: {orig_filename.name}")


class _Collector(transfer.FileTransferer):
    """Transfers nothing; notes the source and the place in the pack of each file."""

    def __init__(self, target: Path, scratch: Path) -> None:
        super().__init__()
        self.files: list[tuple[str, str]] = []
        self._target = target
        self._scratch = scratch

    def queue_copy(self, src: Path, dst: Path) -> None:
        self.files.append((str(src), dst.relative_to(self._target).as_posix()))

    def queue_move(self, src: Path, dst: Path) -> None:
        """Keep a rewritten .blend file, which BAT would remove when it is done."""
        if src.suffix == ".txt":  # BAT's note about itself
            return
        kept = self._scratch / f"{len(self.files)}.blend"
        src.replace(kept)
        self.queue_copy(kept, dst)

    def start(self) -> None:
        pass

    def run(self) -> None:
        pass

    def done_and_join(self) -> None:
        pass

    def join(self, timeout: float | None = None) -> None:
        pass


class _Packer(pack.Packer):
    def __init__(self, source: Path, project_root: Path, scratch: Path) -> None:
        target = scratch / "target"
        super().__init__(source, project_root, str(target))
        self.collector = _Collector(target, scratch)
        self.progress_cb = _PackSteps()

    def _create_file_transferer(self) -> _Collector:
        return self.collector


def _pack(source: Path) -> dict[str, Any]:
    scratch = Path(_REQUEST["scratch"])
    with _Packer(source, Path(_REQUEST["project_root"]), scratch) as packer:
        packer.strategise()
        packer.execute()
        target = scratch / "target"
        return {
            "blendfile": packer.output_path.relative_to(target).as_posix(),
            "files": packer.collector.files,
        }


def _missing(source: Path) -> dict[str, Any]:
    # The same picture is often used in many places; report only the first.
    found: dict[str, str] = {}
    for usage in trace.deps(source, _Steps()):
        if next(_existing(usage), None) is None:
            found.setdefault(str(usage.abspath), _user(usage))
    return {"missing": list(found.items())}


def _existing(usage: result.BlockUsage) -> Iterator[Path]:
    return (path for path in usage.files() if path.exists())


def _user(usage: result.BlockUsage) -> str:
    """Return the .blend file and the data-block that use a file, such as `shot.blend: wood`."""
    name = bytes(usage.block_name).decode(errors="replace")
    # In a file, a data-block's name begins with two letters for its kind.
    block = name[2:] if usage.block.code in (b"IM", b"LI", b"OB", b"SO", b"VF", b"CF") else name
    return f"{usage.block.bfile.filepath.name}: {block}"


def _why(error: Exception, source: Path) -> str:
    match error:
        case blendfile.exceptions.BlendFileError():
            file = getattr(error, "filepath", source)
            return f"{file} is no .blend file that can be read ({error})"
        case PermissionError():
            return f"{error.filename} may not be read"
        case OSError() if "zstandard" in str(error):
            return (
                "a .blend file was saved compressed, which this Python cannot read: "
                "save it without compression, or install Python's zstandard"
            )
        case OSError() | RuntimeError():
            return str(error)
        case _:
            logging.exception("looking through %s", source)
            return f"it is damaged, or of a kind that BAT does not know ({error!r})"


def main() -> str:
    """Write the answer to the request. Return an error's sentence; empty if all went well."""
    logging.basicConfig(level=logging.ERROR)
    file_sequence.expand_sequence = _expanded
    # Blender renders files with invalid pointers, so BAT must accept them, too.
    blendfile.set_strict_pointer_mode(False)
    source = Path(_REQUEST["blendfile"])
    try:
        answer = (_pack if _REQUEST["what"] == "pack" else _missing)(source)
    except Exception as error:  # the edge of this process: the add-on shows it as a sentence
        return _why(error, source)
    (Path(_REQUEST["scratch"]) / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return ""


if __name__ == "__main__":
    if wrong := main():
        _say(f"wrong: {wrong}")
        sys.exit(1)
