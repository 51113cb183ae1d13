"""A night's chaos in small: `python -m tests.chaos.night`. It needs root and Blender.

Hosts render frames with the real Blender onto one storage. Blender is killed at random moments,
half of them while it writes a frame; a host is put to sleep; the storage is unmounted, and it is
full, once each. At the end every frame must be whole and equal to a rendering without a farm, and
every further start of a frame must have its cause in the log of its task.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageChops

from tests.farm.lost_storage import LostStorage
from tests.farm.processes import SCALED, FarmProcesses, wait_until
from worker_host.commands.frames_found import why_not_there

SETTINGS = {**SCALED, "TABLAO_PROBE_EVERY_S": "1", "TABLAO_MIN_FREE_MB": "1"}
BLENDER = """#!/bin/sh
for last; do :; done
echo "start $last $$ $(date +%s.%N)" >> "$LEDGER"
PATH=/usr/local/bin:/usr/bin:/bin exec blender "$@"
"""
#: One noisy sample: quick to render, slow to write.
SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.threads_mode, scene.render.threads = "FIXED", 1
scene.render.resolution_x, scene.render.resolution_y = 1600, 900
scene.render.resolution_percentage = 100
scene.render.image_settings.file_format = "PNG"
scene.render.image_settings.compression = 95
cube = bpy.data.objects["Cube"]
for frame in (1, 1000):
    cube.rotation_euler.z = frame / 20
    cube.keyframe_insert("rotation_euler", frame=frame)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""
#: A try that ended without success, and why, in a task's log.
_CAUSE = re.compile(r"task changed status active -> (?:queued|soft-failed)")
#: A task that is killed on three machines is its own fault, so it is killed at most twice.
_MOST_KILLS_OF_A_FRAME = 2
_TIMEOUT_S = 3600.0


@dataclass
class Night:
    farm: FarmProcesses
    storage: LostStorage
    frames: int
    kills: int
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    while_writing: int = 0
    began: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self.began:6.0f} s  {line}\n")
        sys.stdout.flush()

    def rendered(self) -> int:
        return len(list(self.storage.server.glob("*.png")))

    def running(self) -> dict[str, int]:
        """Blender's processes by their frames."""
        return {
            frame: pid
            for frame, pid in self.farm.started()
            if Path(f"/proc/{pid}/comm").exists() and self.killed[frame] < _MOST_KILLS_OF_A_FRAME
        }

    def writing(self) -> dict[str, int]:
        """Those of them that are writing their frames at this moment."""
        running = self.running()
        return {
            frame: pid
            for frame, pid in running.items()
            if (path := self.storage.server / f"{int(frame):06}.png").exists()
            and why_not_there(str(path))
        }

    def until_rendered(self, frames: int) -> None:
        wait_until(lambda: self.rendered() >= frames, _TIMEOUT_S)

    def kill(self, choose: Callable[[], dict[str, int]]) -> None:
        """Kill one of the processes that are chosen from, as soon as there is one."""
        found = wait_until(choose, _TIMEOUT_S, 0.005)
        frame = self.chance.choice(sorted(found))
        with suppress(ProcessLookupError):
            os.kill(found[frame], signal.SIGKILL)
            self.killed[frame] += 1
            self.while_writing += choose == self.writing


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tablao-night-") as name:
        folder = Path(name)
        scene = folder / "scene.blend"
        _blender("--python-expr", SCENE, "--", str(scene))
        storage = LostStorage(folder / "farm" / "out")
        server = ["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", str(storage.server)]
        subprocess.run(server, check=True)
        storage.mount()
        try:
            problems = _night(folder, scene, storage, options)
        finally:
            storage.unmount()
            subprocess.run(["umount", "--lazy", storage.server], check=True)
    sys.exit("\n".join(problems) or 0)


def _night(
    folder: Path, scene: Path, storage: LostStorage, options: argparse.Namespace
) -> list[str]:
    settings = {**SETTINGS, "TABLAO_SHARED_STORAGE_PATH": str(storage.folder)}
    with FarmProcesses(storage.folder.parent, settings=settings, blender=BLENDER) as farm:
        farm.blend_file = scene
        farm.start_hosts(options.hosts)
        wait_until(lambda: len(farm.awake()) == options.hosts)
        night = Night(farm, storage, options.frames, options.kills, random.Random(options.seed))
        job_id = farm.submit_frames(f"1-{options.frames}")
        _strike(night)
        farm.until_job_is(job_id, "completed", "failed", "canceled", timeout_s=_TIMEOUT_S)
        night.say(
            f"the job is {farm.job(job_id)['status']}; {sum(night.killed.values())} kills, "
            f"{night.while_writing} of them while a frame was written; "
            f"{len(farm.started())} starts of {options.frames} frames"
        )
        problems = [*_without_cause(night, job_id), *_not_equal(night, folder, scene)]
        night.say(f"{len(problems)} problems")
        return problems


def _strike(night: Night) -> None:
    """Kill until all kills are done; between them strike the farm in other ways, once each."""
    others = {
        night.kills // 4: _sleep,
        night.kills // 2: _unmount,
        3 * night.kills // 4: _fill,
    }
    for number in range(night.kills):
        if number in others:
            others[number](night)
        # The next kill comes when the farm has rendered its share.
        night.until_rendered(night.frames * number // (night.kills + 2))
        time.sleep(night.chance.uniform(0, 0.5))
        night.kill(night.writing if number % 2 else night.running)


def _sleep(night: Night) -> None:
    worker = night.chance.choice(night.farm.awake())
    address = f"/api/v3/worker-mgt/workers/{worker['id']}/setstatus"
    night.farm.http.post(address, json={"status": "asleep", "is_lazy": False}).raise_for_status()
    night.say(f"{worker['name']} was put to sleep at once")
    time.sleep(5)
    night.farm.http.post(address, json={"status": "awake", "is_lazy": False}).raise_for_status()


def _unmount(night: Night) -> None:
    night.storage.unmount()
    night.say("the storage was unmounted")
    time.sleep(8)
    night.say(f"{len(list(night.storage.folder.glob('*.png')))} frames went to the mount point")
    night.storage.mount()


def _fill(night: Night) -> None:
    filler = night.storage.server / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(b"x" * 1_000_000)
    night.say("the storage was full")
    time.sleep(8)
    filler.unlink()


def _without_cause(night: Night, job_id: str) -> Iterator[str]:
    starts = Counter(frame for frame, _ in night.farm.started())
    for task in night.farm.tasks(job_id):
        frame = task["name"].rpartition("-")[2]
        again = starts[frame] - 1
        if again > 0:
            info = night.farm.http.get(f"/api/v3/tasks/{task['id']}/log").json()
            log = night.farm.http.get(info["url"]).text
            causes = len(_CAUSE.findall(log)) + log.count("rendering these frames again")
            if causes < again:
                yield f"frame {frame} started {again + 1} times, and its log has {causes} causes"


def _not_equal(night: Night, folder: Path, scene: Path) -> Iterator[str]:
    reference = folder / "reference"
    night.say("rendering the same frames without a farm")
    frames = f"1..{night.frames}"
    _blender(str(scene), "-o", f"{reference}/######", "-F", "PNG", "-f", frames)
    for number in range(1, night.frames + 1):
        path = night.storage.server / f"{number:06}.png"
        if why := why_not_there(str(path)):
            yield f"{path.name}: {why}"
            continue
        with Image.open(path) as ours, Image.open(reference / path.name) as theirs:
            if ImageChops.difference(ours.convert("RGBA"), theirs.convert("RGBA")).getbbox():
                yield f"{path.name} differs from the reference"
    if left := [path.name for path in night.storage.server.glob("*.png.*")]:
        yield f"left behind: {', '.join(left)}"


def _blender(*arguments: str) -> None:
    command = ["blender", "-b", "--factory-startup", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
