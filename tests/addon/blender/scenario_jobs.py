"""Submits a job by each route of its files, and waits until its frames are loaded in Blender."""

import dataclasses
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import bpy
import scenario_scene
import scenario_simulations

_WAIT_S = 150.0


def jobs(given: "dict[str, Any]") -> "dict[str, Any]":
    return {
        "in_place": _rendered(given, "in_place", Path(given["storage"]) / "project ñ", slowly=True),
        "copied": _rendered(given, "copied", Path(given["project"]), layers=True),
        "uploaded": _uploaded(given),
        "local": _rendered_here(given),
        "several": _several(given),
        "mended": _mended(given),
        "simulations": scenario_simulations.looked_at(),
        "controlled": _controlled(given),
        "refused": _refused(given),
    }


def _uploaded(given: "dict[str, Any]") -> "dict[str, Any]":
    _use_shaman(given["manager"], given["admin"], True)
    try:
        bpy.ops.tablao.refresh()
        return _rendered(given, "uploaded", Path(given["project"]))
    finally:
        _use_shaman(given["manager"], given["admin"], False)
        bpy.ops.tablao.refresh()


def _rendered(
    given: "dict[str, Any]",
    how: str,
    folder: Path,
    *,
    layers: bool = False,
    slowly: bool = False,
) -> "dict[str, Any]":
    scenario_scene.build(folder / given["file"])
    chosen = bpy.context.scene.tablao
    chosen.job_type = "simple-blender-render"
    if layers:
        settings = bpy.context.scene.render.image_settings
        if hasattr(settings, "media_type"):  # since Blender 5
            settings.media_type = "MULTI_LAYER_IMAGE"
        settings.file_format = "OPEN_EXR_MULTILAYER"
    if slowly:
        scenario_scene.slow_down()
        _set("chunk_size", 2)
    _set("render_output_root", given["output"])
    chosen.device = "CPU"
    chosen.keeps_frames = True
    chosen.comment = f"sent {how}"
    bpy.ops.tablao.submit(job_name=f"{given['blender']}-{how} ñ")
    return _followed(with_picture=slowly)


def _followed(*, with_picture: bool) -> "dict[str, Any]":
    """Wait until the job has ended, and load its frames in Blender."""
    from tablao import job_watch, thumbnails
    from tablao.session import session

    job_id, outcome = session.submitted[-1], session.outcome
    findings = [dataclasses.asdict(each) for each in session.findings]
    statuses: list[str] = []

    def has_ended() -> bool:
        job_watch.look(bpy.context)
        job = next(job for job in session.jobs if job.id == job_id)
        statuses.append(job.status)
        has_picture = bool(thumbnails.known()[job_id].name)
        return job.has_ended and (has_picture or not with_picture or job.status != "completed")

    _until(has_ended)
    job = next(job for job in session.jobs if job.id == job_id)
    bpy.ops.tablao.load_frames(job_id=job_id)
    bpy.ops.tablao.add_strip(job_id=job_id)
    from scenario import drawn

    return {
        "id": job_id,
        "outcome": outcome,
        "findings": findings,
        "statuses": sorted(set(statuses)),
        "status": job.status,
        "progress": job.progress,
        "user": job.user_name,
        "comment": job.comment,
        "settings": dict(job.settings),
        "image": _image(job.name),
        "strip": _strip(job.name),
        "farm": str(session.farm),
        "picture": thumbnails.known()[job_id].name,
        "drawn": drawn(),
    }


def _image(name: str) -> "dict[str, Any]":
    image = bpy.data.images[name]
    return {"source": image.source, "size": list(image.size), "file": image.filepath}


def _strip(name: str) -> "dict[str, Any]":
    from tablao.scene_facts import strips_of

    scene = bpy.data.scenes["Tablao Frames"]
    strip = next(each for each in strips_of(scene) if each.name.startswith(name))
    # The artist's own scene has no strips, so that rendering it does not change.
    assert not strips_of(bpy.context.scene)
    return {"frames": len(strip.elements), "start": int(strip.frame_final_start)}


def _rendered_here(given: "dict[str, Any]") -> "list[str]":
    """Render the same frames in this Blender, for comparison."""
    scenario_scene.build(Path(given["project"]) / given["file"])
    scene = bpy.context.scene
    scene.render.filepath = str(Path(given["local"]) / "######")
    bpy.ops.render.render(animation=True)
    return sorted(str(file) for file in Path(given["local"]).iterdir())


def _several(given: "dict[str, Any]") -> "dict[str, Any]":
    """Submit a camera of one scene, and another scene; then what is refused as a whole."""
    from tablao import job_watch
    from tablao.session import session

    scenario_scene.build(Path(given["project"]) / given["file"])
    first = bpy.context.scene
    bpy.ops.scene.new(type="LINK_COPY")
    second, bpy.context.window.scene = bpy.context.scene, first
    second.name, second.frame_start, second.frame_end = "Close/up", 2, 2
    bpy.ops.wm.save_mainfile()
    chosen = bpy.context.scene.tablao
    chosen.job_type, chosen.project = "simple-blender-render", "pilot"
    _set("render_output_root", given["output"])
    bpy.ops.tablao.list_targets()
    rows = bpy.context.window_manager.tablao_targets
    listed = [(row.scene, row.camera, row.is_ticked) for row in rows]
    for row in rows:
        is_green = (row.scene, row.camera) == (first.name, "camera on green")
        row.is_ticked = is_green or (row.scene == second.name and not row.camera)
    name = f"{given['blender']}-several"
    bpy.ops.tablao.submit(job_name=name, is_several=True)
    ids, outcome = session.submitted[-2:], session.outcome

    def have_ended() -> bool:
        job_watch.look(bpy.context)
        mine = [job for job in session.jobs if job.id in ids]
        return len(mine) == len(ids) and all(job.has_ended for job in mine)

    job_watch.look(bpy.context)
    selected = job_watch._selected(bpy.context.window_manager)
    _until(have_ended)
    jobs = [next(job for job in session.jobs if job.id == job_id) for job_id in ids]
    return {
        "listed": listed,
        "outcome": outcome,
        "selected_first": selected == ids[0],
        "scene_after": bpy.context.scene.name == first.name,
        "jobs": [
            {"name": job.name, "status": job.status, "settings": dict(job.settings)} for job in jobs
        ],
        "metadata": [_metadata(given, job_id) for job_id in ids],
        "refused": _several_refused(rows, second),
    }


def _metadata(given: "dict[str, Any]", job_id: str) -> "dict[str, str]":
    request = urllib.request.Request(
        f"{given['manager']}/api/v3/jobs/{job_id}",
        headers={"Authorization": f"Bearer {given['admin']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer)["metadata"])


def _mended(given: "dict[str, Any]") -> "dict[str, Any]":
    """Make a scene that is odd in each way, and press every button that mends."""
    from tablao.mending import MENDS
    from tablao.session import session

    scenario_scene.build(Path(given["project"]) / given["file"])
    scene = bpy.context.scene
    scene.tablao.job_type = "simple-blender-render"
    _set("render_output_root", given["output"])
    scene.frame_step, scene.frame_end = 3, 9
    scene.render.resolution_percentage, scene.render.use_border = 50, True
    for layer in scene.view_layers:
        layer.use = False
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    has_tree = not hasattr(scene, "compositing_node_group")
    if has_tree:
        scene.use_nodes = True
        scene.node_tree.nodes.clear()
    bpy.ops.tablao.check()
    before = [finding.code for finding in session.findings]
    for code in before:
        if code in MENDS:
            bpy.ops.tablao.mend(code=code)
    after = [finding.code for finding in session.findings]
    from tablao.planning import submission_of
    from tablao.scene_facts import used_files

    return {
        "used": used_files(),
        "has_tree": has_tree,
        "before": before,
        "after": after,
        "frames": submission_of(bpy.context).settings["frames"],
        "format": scene.render.image_settings.file_format,
    }


def _several_refused(rows: Any, second: Any) -> "dict[str, str]":
    from tablao.session import session

    before = len(session.submitted)
    for row in rows:
        row.is_ticked = True
    second.camera = None
    second.timeline_markers.clear()
    no_camera = _said(is_several=True)
    for row in rows:
        row.is_ticked = False
    nothing = _said(is_several=True)
    assert len(session.submitted) == before
    return {"no_camera": no_camera, "nothing": nothing}


def _controlled(given: "dict[str, Any]") -> "dict[str, Any]":
    """From Blender submit a paused job, resume it, pause it and cancel it."""
    from tablao import job_watch
    from tablao.session import session

    scenario_scene.build(Path(given["project"]) / given["file"])
    chosen = bpy.context.scene.tablao
    chosen.job_type, chosen.is_paused, chosen.priority = "echo-sleep-test", True, 77
    _set("message", "hola")
    _set("sleep_duration_seconds", 600)
    bpy.ops.tablao.submit()
    job_id = session.submitted[-1]

    def has_status(*wanted: str) -> bool:
        job_watch.look(bpy.context)
        return next(job for job in session.jobs if job.id == job_id).status in wanted

    seen = {"name": "", "priority": 0}
    _until(lambda: has_status("paused"))
    job = next(job for job in session.jobs if job.id == job_id)
    seen["name"], seen["priority"] = job.name, job.priority
    bpy.ops.tablao.resume_job(job_id=job_id)
    _until(lambda: has_status("queued", "active"))
    bpy.ops.tablao.pause_job(job_id=job_id)
    _until(lambda: has_status("paused", "pause-requested"))
    bpy.ops.tablao.cancel_job(job_id=job_id)
    _until(lambda: has_status("canceled"))
    return seen


def _refused(given: "dict[str, Any]") -> "dict[str, str]":
    """Return the refusals that a script gets, and what it can do about them."""
    from tablao.session import session

    scenario_scene.build(Path(given["project"]) / given["file"])
    scene = bpy.context.scene
    scene.tablao.job_type = "simple-blender-render"
    _set("render_output_root", given["output"])
    before = len(session.submitted)
    Path(bpy.path.abspath(bpy.data.images[-1].filepath)).unlink()
    missing = _said()
    scene.camera = None
    scene.timeline_markers.clear()
    no_camera = _said()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.tablao.job_type = "simple-blender-render"
    not_saved = _said()
    assert len(session.submitted) == before
    return {"missing": missing, "no_camera": no_camera, "not_saved": not_saved}


def _said(**arguments: Any) -> str:
    try:
        bpy.ops.tablao.submit(**arguments)
    except RuntimeError as refusal:
        return str(refusal)
    return "nothing"


def _set(key: str, value: Any) -> None:
    from tablao.session import session
    from tablao.setting_properties import group_of, write

    job_type = session.job_type(bpy.context.scene.tablao.job_type)
    write(group_of(bpy.context.scene, job_type), job_type.setting(key), value)


def _until(is_true: Any) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.25)


def _use_shaman(manager: str, token: str, is_enabled: bool) -> None:
    address = f"{manager}/api/v3/configuration/file"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(
        urllib.request.Request(address, headers=headers), timeout=30
    ) as answer:
        file = json.load(answer)
    file["shaman"] = {**(file.get("shaman") or {}), "enabled": is_enabled}
    body = json.dumps(file).encode()
    request = urllib.request.Request(address, body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
