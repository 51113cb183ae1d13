"""An artist's day with the add-on, inside Blender: `blender -b -P scenario.py -- GIVEN.json`.

It writes its findings to the file that GIVEN.json names, and the tests check them. It uses only the
standard library and `bpy`, because Blender has its own Python.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import addon_utils
import bpy
import scenario_jobs
import scenario_login
import scenario_scene
import scenario_settings
from blender_state import state_of_blender
from recording import RecordingLayout

NAME = "tablao"


def main() -> None:
    given = json.loads(Path(sys.argv[-1]).read_text())
    found: dict[str, Any] = {"version": bpy.app.version_string}
    before = state_of_blender()
    assert addon_utils.enable(NAME, default_set=True) is not None
    registered = state_of_blender()
    found["registered"] = sorted(registered["types"] - before["types"])
    for part in (connecting, scenario_settings.settings, scenario_jobs.jobs, login, out_of_reach):
        found[part.__name__] = part(given)
    addon_utils.disable(NAME, default_set=True)
    after = state_of_blender()
    found["left_over"] = {
        key: sorted(map(str, after[key] - before[key]))
        for key in before
        if after[key] - before[key]
    }
    found["taken_along"] = {
        key: sorted(map(str, before[key] - after[key]))
        for key in before
        if before[key] - after[key]
    }
    Path(given["answer"]).write_text(json.dumps(found))


def preferences() -> Any:
    return bpy.context.preferences.addons[NAME].preferences


def connecting(given: "dict[str, Any]") -> "dict[str, Any]":
    """Type a manager's address, and wait until the panel has the farm's job types."""
    scenario_scene.build(Path(given["project"]) / given["file"])
    unknown = drawn()
    preferences().manager_address = given["manager"]
    preferences().user_name = "María"
    bpy.ops.tablao.refresh()
    chosen = bpy.context.scene.tablao
    items = chosen.bl_rna.properties["job_type_choice"]
    chosen.job_type_choice = "echo-sleep-test"
    return {
        "before": unknown,
        "choice_kind": items.type,
        "chosen": chosen.job_type,
        "after": drawn(),
        "tag": _with_tag(chosen),
        "vanished": _with_vanished(chosen),
        "painted": _with_painted_image(),
    }


def _with_tag(chosen: Any) -> str:
    from tablao.session import session

    chosen.worker_tag_choice = session.info.tags[0].id
    name = str(session.info.tag(chosen.worker_tag).name)
    chosen.worker_tag_choice = "-"
    assert chosen.worker_tag == ""
    return name


def _with_vanished(chosen: Any) -> "dict[str, Any]":
    chosen.job_type = "of-yesterday"
    shown = chosen.job_type_choice
    codes = finding_codes()
    chosen.job_type = "echo-sleep-test"
    return {"shown": shown, "codes": codes}


def _with_painted_image() -> "list[str]":
    image = bpy.data.images.new("Wood", 1, 1)
    image.pixels = (1.0, 0.0, 0.0, 1.0)
    codes = finding_codes()
    bpy.data.images.remove(image)
    return codes


def finding_codes() -> "list[str]":
    from tablao.planning import findings_now

    return [finding.code for finding in findings_now(bpy.context)]


def drawn() -> "list[list[str]]":
    """Return what our visible panels draw now."""
    from tablao import findings_panel, jobs_panel, panels

    layout = RecordingLayout()
    classes = (*panels.CLASSES, *findings_panel.CLASSES, *jobs_panel.CLASSES)
    for panel in (each for each in classes if hasattr(each, "bl_space_type")):
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            panel.draw(type("Panel", (), {"layout": layout})(), bpy.context)
    preferences_layout = RecordingLayout(layout.drawn)
    from tablao.connection_panel import draw_preferences

    draw_preferences(preferences_layout, preferences(), bpy.context)
    return [list(each) for each in layout.drawn]


def login(_: "dict[str, Any]") -> "dict[str, Any]":
    found: dict[str, Any] = scenario_login.wants_login(preferences(), drawn)
    return found


def out_of_reach(given: "dict[str, Any]") -> "dict[str, Any]":
    """Lose a known manager: its information stays, and each refusal is a sentence."""
    from dataclasses import replace

    from tablao.core import manager_info
    from tablao.preferences import kept_info_file
    from tablao.session import session

    known = [job_type.name for job_type in session.info.job_types]
    manager_info.save(replace(session.info, address=given["dead"]), kept_info_file())
    preferences().manager_address = given["dead"]
    unasked, said = drawn(), ""
    try:
        bpy.ops.tablao.refresh()
    except RuntimeError as refusal:
        said = str(refusal)
    still = [job_type.name for job_type in session.info.job_types]
    shown = drawn()
    preferences().manager_address = given["manager"]
    kept_of_another = session.info is not None
    return {
        "known": known,
        "still": still,
        "said": said,
        "unasked": unasked,
        "drawn": shown,
        "kept_of_another": kept_of_another,
    }


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        # The bpy module would ignore the exception, and the exit code must show the failure.
        import traceback

        traceback.print_exc()
        sys.exit(3)
