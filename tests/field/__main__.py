"""`python -m tests.field`: what made render farms lie, case by case; all of it is in `make test`.

Each kind of fault has its tests beside its code. This runs them kind by kind, with the real
Blender, ffmpeg, disks and mounts that they ask for. The exit code is 0 only if all pass.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KINDS: Mapping[str, tuple[str, ...]] = {
    "a frame counts when it is whole": (
        "tests/domain/test_whole_images.py",
        "tests/worker_host/test_blender_frames.py",
        "tests/worker_host/test_real_render.py",
        "tests/worker_host/test_real_render_45.py",
    ),
    "a frame counts when it is this job's": (
        "tests/domain/test_written_frames.py",
        "tests/worker_host/test_frames_found.py",
        "tests/manager/jobs/test_outputs.py",
        "tests/e2e/test_real_blender.py",
    ),
    "the storage is not there": (
        "tests/worker_host/test_storage_marker.py",
        "tests/manager/settings/test_storage_marker.py",
        "tests/e2e/test_lost_storage.py",
    ),
    "whose fault it is": (
        "tests/domain/test_faults.py",
        "tests/domain/test_exit_codes.py",
        "tests/domain/test_asides.py",
        "tests/domain/test_reasons.py",
        "tests/worker_host/test_machine_faults.py",
        "tests/worker_host/test_full_runs_folder.py",
        "tests/e2e/test_machine_faults.py",
    ),
    "completed, but with warnings": (
        "tests/domain/test_render_warnings.py",
        "tests/worker_host/test_blender_warnings.py",
    ),
    "time": (
        "tests/domain/test_run_times.py",
        "tests/worker_host/test_blender_end.py",
        "tests/worker_host/test_silence.py",
        "tests/manager/http_workers/test_run_times.py",
    ),
    "the preview": ("tests/worker_host/test_videos.py",),
    "what is accepted can work": (
        "tests/domain/test_blender_arguments.py",
        "tests/domain/test_finishing.py",
        "tests/domain/test_frame_files.py",
        "tests/domain/test_seen_paths.py",
        "tests/addon/core/test_frame_files.py",
        "tests/manager/images/test_frames.py",
    ),
}
_COUNTS = re.compile(r"(\d+) (passed|failed|error)")


@dataclass(frozen=True, slots=True)
class Ran:
    passed: int
    failed: int
    said: str


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    kinds = {kind: files for kind, files in KINDS.items() if options.only in kind}
    ran = {}
    for kind, files in kinds.items():
        ran[kind] = _run(files)
        _say(f"{ran[kind].passed:>5} passed {ran[kind].failed:>3} failed   {kind}")
    passed, failed = (
        sum(getattr(each, name) for each in ran.values()) for name in ("passed", "failed")
    )
    _say(f"{passed:>5} passed {failed:>3} failed   in all")
    sys.exit("\n".join(each.said for each in ran.values() if each.failed) or 0)


def _run(files: Sequence[str]) -> Ran:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = {word: int(number) for number, word in _COUNTS.findall(done.stdout[-2000:])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    # Without a count, pytest itself came to nothing.
    failed = failed or int(done.returncode != 0)
    return Ran(counts.get("passed", 0), failed, done.stdout[-4000:] + done.stderr[-2000:])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of a kind's name")
    return parser


if __name__ == "__main__":
    main()
