"""`tablao demo`: starts a farm, renders a small animation, and shows where everything is."""

import os
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from manager_api.cli import blender as blender_of
from manager_api.cli.client import Manager
from manager_api.cli.console import CommandError, note, say
from manager_api.cli.farm import farm_of, settings_or_refusal, tell_addresses
from manager_api.cli.job_settings import RENDER, fill_in
from manager_api.cli.jobs import print_log_tail, tasks_of
from manager_api.cli.login import own_token
from manager_api.cli.progress import follow_job
from manager_api.cli.stop_signals import interrupt_once, wait_for_signal
from manager_api.cli.supervise import is_free

FRAMES = 36
#: Several frames a task, because Blender starts more slowly than it renders a frame of this scene.
CHUNK_SIZE = 3
#: The demo fails if fewer frames are rendered.
_FRAMES_WANTED = 24
_PORT = 8080
_HOST = "127.0.0.1"


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop the farm when the job has ended.")
    ] = False,
    data_dir: Annotated[Path, typer.Option(help="The folder for all its files.")] = Path("demo"),
    workers: Annotated[int, typer.Option(min=1, help="How many workers to start.")] = 2,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The manager's port.", show_default="8080")
    ] = None,
) -> None:
    """Render a small animation on a farm of one machine, and show where everything is."""
    folder = data_dir.expanduser().absolute()
    interrupt_once()
    if port is None:
        port = _PORT if is_free(_HOST, _PORT) else 0
    settings = settings_or_refusal(folder / "farm", _HOST, port, None, False)
    try:
        executable = blender_of.find_or_install(os.environ, blender_of.PROJECT / ".venv-bpy")
        note(f"Blender is {executable}.")
        scene = build_scene(executable, folder / "fan.blend")
        note(f"Starting the farm: Temporal, the manager and {workers} workers.")
        with farm_of(settings, workers, str(executable)) as farm:
            tell_addresses(farm)
            token = own_token(farm.url, settings.data_dir)
            with Manager(farm.url, pin=farm.pin, token=token) as manager:
                submitted = submit_scene(manager, scene, folder / "frames")
                check_outcome(manager, follow_job(manager, submitted, words=progress_in_words))
            if not once:
                say("The farm goes on. Press Ctrl-C to stop it.")
                wait_for_signal()
            note("Stopping the farm.")
    except KeyboardInterrupt:
        note("The farm is stopped.")
        if once:
            raise typer.Exit(130) from None


def build_scene(blender: Path, file: Path) -> Path:
    """Let Blender make the demo's scene, and return its file.

    Raises:
        CommandError: Blender failed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("demo_scene.py")
    command = [str(blender), "--background", "--factory-startup", "--python-exit-code", "3"]
    command += ["--python", str(script), "--", str(file), str(FRAMES)]
    note(f"Blender builds the scene: a fan opens in {FRAMES} frames.")
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=blender_of.clean_environment(os.environ),
    )
    if answer.returncode != 0 or not file.is_file():
        raise CommandError(f"Blender could not build the scene:\n{_end_of(answer)}")
    return file


def _end_of(answer: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((answer.stdout + answer.stderr).splitlines()[-15:])


def submit_scene(manager: Manager, scene: Path, output: Path) -> str:
    """Submit the demo's job, and return its id."""
    job_type = manager.get(f"/api/v3/jobs/type/{RENDER}")
    name = "A fan opens"
    settings = fill_in(
        job_type["settings"],
        {"frames": f"1-{FRAMES}", "chunk_size": CHUNK_SIZE},
        blendfile=scene,
        job_name=name,
        output=output,
        scene="Scene",
    )
    body = {
        "name": name,
        "type": RENDER,
        "type_etag": job_type["etag"],
        "priority": 50,
        "settings": settings,
        "submitter_platform": "manager",
    }
    job = manager.post("/api/v3/jobs", body)
    note(f"Submitted job {job['id']}: {FRAMES} frames and a preview video.")
    return str(job["id"])


def progress_in_words(job: dict[str, Any]) -> str:
    """Return the progress of the demo's job. Each step is a frame; the last step is the video."""
    done = job["steps_completed"]
    match job["status"]:
        case "queued":
            return "Waiting for a worker"
        case "active" if done < FRAMES:
            return f"Rendering: {done} of {FRAMES} frames"
        case "active":
            return f"All {FRAMES} frames are rendered; making the preview video"
        case ended:
            return f"The job is {ended}"


def check_outcome(manager: Manager, job: dict[str, Any]) -> None:
    """Print where the frames and the video are.

    Raises:
        CommandError: The job failed, or files are missing. A failed task's log has been printed.
    """
    folder = Path(job["settings"]["render_output_path"]).parent
    frames, videos = sorted(folder.glob("*.png")), sorted(folder.glob("*.mp4"))
    if job["status"] != "completed":
        failed = [t for t in tasks_of(manager, job["id"]) if t["status"] == "failed"]
        if failed:
            print_log_tail(manager, failed[0])
        raise CommandError(f"The job is {job['status']}: {job['activity']}")
    if len(frames) < _FRAMES_WANTED or not videos:
        raise CommandError(
            f"The job is completed, but {folder} has {len(frames)} frames and {len(videos)} videos."
        )
    say(f"Frames        {folder} ({len(frames)} of them)")
    say(f"Video         {videos[0]}")
