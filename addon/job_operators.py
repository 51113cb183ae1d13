"""Buttons of a job: cancel, pause, resume, open in the dashboard, load its frames."""

from typing import Any

import bpy

from . import background, job_watch, preferences, texts
from .core import my_jobs
from .core.manager import Manager, ManagerError
from .core.my_jobs import MyJob
from .frames import Frames, as_image, as_strip, frames_of, scene_for_strips, show_image
from .jobs_panel import job_of, selected_job
from .session import session, told


class _JobOperator:
    """An operator on the job `job_id`, or on the selected job if `job_id` is empty."""

    bl_options = {"INTERNAL"}
    __annotations__ = {"job_id": bpy.props.StringProperty(name="Job", options={"SKIP_SAVE"})}

    # `self` is also a Blender operator, whose members mypy does not know.
    def _job(self: Any, context: Any) -> "MyJob | None":
        job = job_of(self.job_id) if self.job_id else selected_job(context)
        if job is None:
            self.report({"ERROR"}, "There is no such job in the list: refresh it")
        return job


class _Change(_JobOperator):
    """An operator that asks the manager for a change, in the background."""

    @staticmethod
    def ask(manager: Manager, job_id: str) -> None:
        raise NotImplementedError

    def execute(self: Any, context: Any) -> "set[str]":
        job = self._job(context)
        if job is None:
            return {"CANCELLED"}
        problems: list[Exception] = []

        def failed(problem: Exception) -> None:
            problems.append(problem)
            session.outcome, session.has_failed = told(problem), True

        try:
            manager = preferences.manager_of(context)
        except ManagerError as problem:
            self.report({"ERROR"}, told(problem))
            return {"CANCELLED"}
        ask = self.ask
        background.run(
            f"change {job.id}",
            lambda: ask(manager, job.id),
            lambda _: _look_again(),
            failed,
        )
        if problems:
            self.report({"ERROR"}, told(problems[0]))
            return {"CANCELLED"}
        return {"FINISHED"}


def _look_again() -> None:
    job_watch.look(bpy.context)


class TABLAO_OT_cancel_job(_Change, bpy.types.Operator):
    """Cancel this job: stop its tasks, and keep the frames that are rendered"""

    bl_idname = "tablao.cancel_job"
    bl_label = "Cancel Job"
    __annotations__ = _JobOperator.__annotations__
    ask = staticmethod(my_jobs.cancel_job)

    def invoke(self, context: Any, event: Any) -> Any:
        if self._job(context) is None:
            return {"CANCELLED"}
        return context.window_manager.invoke_props_dialog(self, width=400)

    def draw(self, context: Any) -> None:
        job = self._job(context)
        name = job.name if job else ""
        texts.draw_wrapped(self.layout, context, f"Cancel the job “{name}”?", "QUESTION")
        texts.draw_wrapped(
            self.layout, context, "Its tasks stop. Frames that are rendered stay.", "BLANK1"
        )


class TABLAO_OT_pause_job(_Change, bpy.types.Operator):
    """Pause this job: its active tasks finish, and no other task starts"""

    bl_idname = "tablao.pause_job"
    bl_label = "Pause Job"
    __annotations__ = _JobOperator.__annotations__
    ask = staticmethod(my_jobs.pause_job)


class TABLAO_OT_resume_job(_Change, bpy.types.Operator):
    """Let this job render again"""

    bl_idname = "tablao.resume_job"
    bl_label = "Resume Job"
    __annotations__ = _JobOperator.__annotations__
    ask = staticmethod(my_jobs.resume_job)


class TABLAO_OT_open_dashboard(_JobOperator, bpy.types.Operator):
    """Open this job's page in the browser"""

    bl_idname = "tablao.open_dashboard"
    bl_label = "Open in Dashboard"
    __annotations__ = _JobOperator.__annotations__

    def execute(self, context: Any) -> "set[str]":
        job = self._job(context)
        if job is None:
            return {"CANCELLED"}
        try:
            manager = preferences.manager_of(context)
        except ManagerError as problem:
            self.report({"ERROR"}, told(problem))
            return {"CANCELLED"}
        bpy.ops.wm.url_open(url=my_jobs.job_page(manager, job.id))
        return {"FINISHED"}


class _Fetch(_JobOperator):
    """An operator that finds the frames in the background, then loads them into Blender."""

    def execute(self: Any, context: Any) -> "set[str]":
        job, info = self._job(context), session.info
        if job is None:
            return {"CANCELLED"}
        problems: list[Exception] = []

        def failed(problem: Exception) -> None:
            problems.append(problem)
            session.outcome, session.has_failed = told(problem), True

        put = self.put
        background.run(
            f"frames {job.id}",
            lambda: frames_of(job, info),
            lambda frames: put(bpy.context, job, frames),
            failed,
        )
        if problems:
            self.report({"ERROR"}, told(problems[0]))
            return {"CANCELLED"}
        return {"FINISHED"}

    @staticmethod
    def put(context: Any, job: MyJob, frames: Frames) -> None:
        raise NotImplementedError


class TABLAO_OT_load_frames(_Fetch, bpy.types.Operator):
    """Load the finished frames as an image sequence, and show it in an image editor"""

    bl_idname = "tablao.load_frames"
    bl_label = "Load Frames"
    __annotations__ = _JobOperator.__annotations__

    @staticmethod
    def put(context: Any, job: MyJob, frames: Frames) -> None:
        image = as_image(frames, job.name)
        is_shown = show_image(context, image, frames)
        where = "" if is_shown else ": open an image editor to see them"
        session.outcome = f"Loaded {len(frames.files)} frames of {job.name}{where}"
        session.has_failed = False


class TABLAO_OT_add_strip(_Fetch, bpy.types.Operator):
    """Add the finished frames as a strip: to this scene if it has strips, else to a new one"""

    bl_idname = "tablao.add_strip"
    bl_label = "Add as Strip"
    __annotations__ = _JobOperator.__annotations__

    @staticmethod
    def put(context: Any, job: MyJob, frames: Frames) -> None:
        scene = scene_for_strips(context)
        as_strip(scene, frames, job.name)
        session.outcome = f"Added {len(frames.files)} frames to the scene “{scene.name}”"
        session.has_failed = False


CLASSES = (
    TABLAO_OT_cancel_job,
    TABLAO_OT_pause_job,
    TABLAO_OT_resume_job,
    TABLAO_OT_open_dashboard,
    TABLAO_OT_load_frames,
    TABLAO_OT_add_strip,
)
