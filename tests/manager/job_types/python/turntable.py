"""Renders a turntable of each variant, and a film of all of them."""

from _naming import film_of  # type: ignore[import-not-found] # beside it, when it runs

from manager_api.job_types.authoring import (
    Command,
    CompileError,
    Job,
    Task,
    format_timestamp_local,
    frame_chunker,
    frame_count,
    path,
    shell_split,
)

JOB_TYPE = {
    "label": "Turntable",
    "settings": [
        {"key": "frames", "type": "string", "required": True},
        {"key": "variants", "type": "string", "required": True},
        {"key": "output", "type": "string", "subtype": "dir_path", "required": True},
    ],
}


def compile_job(job: Job) -> None:
    variants = [name.strip() for name in job.settings["variants"].split(",") if name.strip()]
    if not variants:
        raise CompileError("Name one variant at least.")
    print("variants:", *variants)  # noqa: T201 -- the way into the manager's log
    film = Task("film", "ffmpeg")
    film.priority = 10
    output = job.settings["output"]
    film.add_command(Command("frames-to-video", {"outputFile": film_of(path.join(output, "x"))}))
    for variant in variants:
        for chunk in frame_chunker(job.settings["frames"], 10):
            task = Task(f"{variant} {chunk}", "blender")
            arguments = shell_split(f"--scene '{variant}' --render-frame {chunk}")
            task.add_command(Command("blender-render", {"args": arguments}, frame_count(chunk)))
            film.add_dependency(task)
            job.add_task(task)
    job.add_task(film)
    job.add_task(_note(film))
    job.settings["timestamp"] = format_timestamp_local(job.created)
    job.metadata["variants"] = str(len(variants))


def _note(film: Task) -> Task:
    note = Task("note", "misc")
    note.add_command(Command("echo", {"message": f"the film is {film.uuid}"}))
    return note
