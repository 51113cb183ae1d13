"""`tablao submit`: submits a job for a blend file, or from settings alone."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from manager_api.cli.client import (
    DEFAULT_URL,
    AsJson,
    Manager,
    ManagerUrl,
    Refused,
    system_user,
)
from manager_api.cli.console import CommandError, note, say, show_json
from manager_api.cli.identify import tag_id
from manager_api.cli.job_settings import RENDER, BadSetting, fill_in, parse_settings
from manager_api.cli.progress import follow_job
from workflows.domain.job_types.definitions import JOB_TYPE_SAYS
from workflows.domain.outputs import has_own_folder
from workflows.domain.written_frames import KEEPS_FRAMES

_OF_BOTH = "Each job renders all of its frames; the later frame stays."
_KEEPING = "This job skips the frames that are there, also those of that job."
_NOTHING_TO_KEEP = (
    "The output path has {timestamp}, a folder of the job's own, so there are no frames to keep. "
    "Name the folder where they are: --set render_output_path=FOLDER/######."
)


def submit(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.blend", help="What to render.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames to render, such as 1-20 or 1,5,10..15.")
    ] = None,
    job_type: Annotated[str, typer.Option("--type", help="The job type.")] = RENDER,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the job type. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    priority: Annotated[int, typer.Option(min=0, max=100, help="Higher goes first.")] = 50,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the frames. Default: `renders`, beside the file."),
    ] = None,
    keep_frames: Annotated[
        bool,
        typer.Option("--keep-frames", help="Skip frames that are there, also those of other jobs."),
    ] = False,
    scene: Annotated[str, typer.Option(help="The scene to render.")] = "Scene",
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A text kept with the job. Repeatable."),
    ] = None,
    project: Annotated[str, typer.Option(help="The project it belongs to.")] = "",
    comment: Annotated[str, typer.Option(help="A text for people, kept with the job.")] = "",
    tag: Annotated[str, typer.Option(help="Only workers with this tag run it.")] = "",
    paused: Annotated[bool, typer.Option("--paused", help="Wait for `job resume`.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show progress until it ends; exit code 1 if it failed.")
    ] = False,
    every_s: Annotated[
        float, typer.Option("--every", min=0.01, help="Seconds between requests, with --wait.")
    ] = 1.0,
    as_json: AsJson = False,
    manager: ManagerUrl = DEFAULT_URL,
) -> None:
    """Give the farm a job.

    Workers must see the file and the output folder under the same path as this machine.
    """
    if job_type == RENDER:
        _check_render(file, frames)
    blendfile = _existing(file)
    given = [*(settings or ()), *([f"frames={frames}"] if frames else [])]
    job_name = name or (blendfile.stem if blendfile else job_type)
    with Manager(manager) as farm:
        declared = farm.get(f"/api/v3/jobs/type/{job_type}")
        values = _values(declared["settings"], given, blendfile, job_name, output, scene)
        if keep_frames:
            _keep_frames(values)
        told = {"user.name": system_user(), "project": project, "comment": comment}
        job = farm.post(
            "/api/v3/jobs",
            {
                "name": job_name,
                "type": job_type,
                "type_etag": declared["etag"],
                "priority": priority,
                "settings": values,
                "metadata": {
                    **{key: text for key, text in told.items() if text},
                    **dict(map(_pair, metadata or ())),
                },
                **({"worker_tag": tag_id(farm, tag)} if tag else {}),
                "submitter_platform": platform.system().lower(),
                "initial_status": "paused" if paused else "queued",
            },
        )
        tell = note if as_json else say
        tell(f"Submitted {job['name']} as job {job['id']}.")
        _show_printed(farm, job["id"])
        output_said = farm.get(f"/api/tablao/v1/jobs/{job['id']}/same-output")
        for sentence in output_said["unseen"]:
            note(f"Warning: {sentence}")
        for other in output_said["jobs"]:
            tell(
                f"The job {other['name']} ({other['id']}) is {other['status']} and writes to the "
                f"same files. {_OF_BOTH if not keep_frames else _KEEPING}"
            )
        if wait:
            job = follow_job(farm, job["id"], every_s=every_s)
    if as_json:
        show_json(job)
    if wait and job["status"] != "completed":
        raise CommandError(
            f"The job {job['status']}. `tablao job log --failed {job['id']}` tells more."
            if job["status"] == "failed"
            else f"The job was {job['status']}."
        )


def _show_printed(farm: Manager, job_id: str) -> None:
    """Show the lines that the job type has printed for the submitter, if they can be had."""
    try:
        history = farm.get(f"/api/tablao/v1/jobs/{job_id}/history")["happenings"]
    except Refused:
        return  # the job is submitted, whatever an older manager says to this
    for text in reversed([happening["text"] for happening in history]):
        if text.startswith(JOB_TYPE_SAYS):
            note(text)


def _keep_frames(values: dict[str, Any]) -> None:
    values[KEEPS_FRAMES] = True
    if has_own_folder(values):
        note(f"Warning: {_NOTHING_TO_KEEP}")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"'{text}' must look like key=value.")
    return key, value


def _check_render(file: Path | None, frames: str | None) -> None:
    if file is None:
        raise typer.BadParameter("name the FILE.blend to render.")
    if not frames:
        raise typer.BadParameter("give the frames to render, for example --frames 1-20.")


def _existing(file: Path | None) -> Path | None:
    if file is None:
        return None
    _check_name(file)
    # Do not resolve links: the user named this path, and a link may differ on another machine.
    absolute = file.expanduser().absolute()
    if not absolute.is_file():
        raise CommandError(f"There is no file {absolute}.")
    return absolute


def _check_name(path: Path) -> None:
    """Refuse a name whose bytes are no text: a job's settings are texts, on every platform."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="replace")
        raise CommandError(f"The name {shown} is not UTF-8, so rename the file.") from None


def _values(
    declared: Sequence[dict[str, Any]],
    given: Sequence[str],
    blendfile: Path | None,
    job_name: str,
    output: Path | None,
    scene: str,
) -> dict[str, Any]:
    try:
        values = parse_settings(given, declared)
    except BadSetting as problem:
        raise typer.BadParameter(str(problem)) from problem
    return fill_in(
        declared,
        values,
        blendfile=blendfile,
        job_name=job_name,
        output=output.expanduser().absolute() if output else None,
        scene=scene,
    )
