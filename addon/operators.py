"""Buttons that ask the manager, check, and submit."""

from typing import Any

import bpy

from . import background, connecting, job_watch, logging_in, preferences, submitting, values
from .core.checks import NotSubmittable
from .core.evaluation import EvaluationFailed
from .core.manager import ManagerError
from .core.setting_values import NotAValue
from .session import session, told
from .setting_properties import group_of, write

_LOOK_EVERY_S = 0.2


class TABLAO_OT_refresh(bpy.types.Operator):
    """Ask the manager for its job types, worker tags and storage"""

    bl_idname = "tablao.refresh"
    bl_label = "Refresh from Manager"

    def execute(self, context: Any) -> "set[str]":
        connecting.refresh(context)
        job_watch.look(context)
        # While a request runs, `is_reached` is the result of the last one.
        if session.is_reached is False and not background.is_running("refresh"):
            self.report({"ERROR"}, session.message)
            return {"CANCELLED"}
        return {"FINISHED"}


class TABLAO_OT_log_in(bpy.types.Operator):
    """Open a page of the manager in the browser, where you log in and give Blender access"""

    bl_idname = "tablao.log_in"
    bl_label = "Log In"

    def execute(self, context: Any) -> "set[str]":
        try:
            page = logging_in.begin(context)
        except ManagerError as problem:
            self.report({"ERROR"}, told(problem))
            return {"CANCELLED"}
        bpy.ops.wm.url_open(url=page)
        return {"FINISHED"}


class TABLAO_OT_find_managers(bpy.types.Operator):
    """Look for managers on the network; takes a few seconds"""

    bl_idname = "tablao.find_managers"
    bl_label = "Find on the Network"

    def execute(self, context: Any) -> "set[str]":
        return {"FINISHED"} if connecting.find(context) else {"CANCELLED"}


class TABLAO_OT_use_manager(bpy.types.Operator):
    """Use this manager"""

    bl_idname = "tablao.use_manager"
    bl_label = "Use This Manager"
    __annotations__ = {"address": bpy.props.StringProperty()}

    def execute(self, context: Any) -> "set[str]":
        preferences.preferences_of(context).manager_address = self.address
        return {"FINISHED"}


class TABLAO_OT_evaluate_setting(bpy.types.Operator):
    """Fill in the value that the scene gives now"""

    bl_idname = "tablao.evaluate_setting"
    bl_label = "Evaluate"
    bl_options = {"UNDO", "INTERNAL"}
    __annotations__ = {"key": bpy.props.StringProperty()}

    def execute(self, context: Any) -> "set[str]":
        scene = context.scene
        job_type = session.job_type(scene.tablao.job_type)
        setting = job_type.setting(self.key) if job_type else None
        if job_type is None or setting is None:
            self.report({"ERROR"}, "This job type has no such setting")
            return {"CANCELLED"}
        try:
            value = values.evaluated(context, scene, job_type, setting)
            write(group_of(scene, job_type), setting, value)
        except (EvaluationFailed, NotAValue, TypeError, ValueError) as problem:
            self.report({"ERROR"}, told(problem))
            return {"CANCELLED"}
        return {"FINISHED"}


class TABLAO_OT_check(bpy.types.Operator):
    """Look for everything that would go wrong, before anything is sent"""

    bl_idname = "tablao.check"
    bl_label = "Check"

    def execute(self, context: Any) -> "set[str]":
        if not submitting.begin_check(context):
            return {"CANCELLED"}
        for finding in session.findings:
            self.report({"WARNING"}, str(finding))
        return {"FINISHED"}


class TABLAO_OT_submit(bpy.types.Operator):
    """Save this file and have the farm render it. From a script: waits until it is submitted"""

    bl_idname = "tablao.submit"
    bl_label = "Submit to the Farm"
    __annotations__ = {
        "job_name": bpy.props.StringProperty(
            name="Job Name", description="Empty: the panel's", options={"SKIP_SAVE"}
        ),
        "allow_missing": bpy.props.BoolProperty(
            name="Allow Missing Files",
            description="Render without the files that are missing",
            options={"SKIP_SAVE"},
        ),
        "is_several": bpy.props.BoolProperty(
            name="Several Jobs",
            description="A job for each ticked scene and camera",
            options={"SKIP_SAVE", "HIDDEN"},
        ),
    }
    _timer: Any = None

    def invoke(self, context: Any, event: Any) -> "set[str]":
        if not self._begin(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(_LOOK_EVERY_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> "set[str]":
        if event.type == "ESC" and event.value == "PRESS":
            submitting.cancel()
            return {"RUNNING_MODAL"}
        if session.running is not None:
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self._end()

    def execute(self, context: Any) -> "set[str]":
        if not self._begin(context, is_waiting=True):
            return {"CANCELLED"}
        return self._end()

    def _begin(self, context: Any, *, is_waiting: bool = False) -> bool:
        try:
            submitting.begin(
                context,
                job_name=self.job_name,
                allow_missing=self.allow_missing,
                is_several=self.is_several,
                is_waiting=is_waiting,
            )
        except (NotSubmittable, ManagerError) as problem:
            self.report({"ERROR"}, told(problem))
            return False
        return True

    def _end(self) -> "set[str]":
        self.report({"ERROR" if session.has_failed else "INFO"}, session.outcome)
        for notice in () if session.has_failed else session.findings:
            self.report({"WARNING"}, str(notice))
        return {"CANCELLED" if session.has_failed else "FINISHED"}


class TABLAO_OT_cancel_submission(bpy.types.Operator):
    """Stop this submission, and leave nothing behind"""

    bl_idname = "tablao.cancel_submission"
    bl_label = "Cancel Submission"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return session.running is not None

    def execute(self, context: Any) -> "set[str]":
        submitting.cancel()
        return {"FINISHED"}


CLASSES = (
    TABLAO_OT_refresh,
    TABLAO_OT_log_in,
    TABLAO_OT_find_managers,
    TABLAO_OT_use_manager,
    TABLAO_OT_evaluate_setting,
    TABLAO_OT_check,
    TABLAO_OT_submit,
    TABLAO_OT_cancel_submission,
)
