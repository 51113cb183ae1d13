"""Which lines are RNA overrides, and where they go in a command."""

import io
import sys
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.rna_overrides import LONGEST, BadOverrides, check, with_overrides

SAMPLES = "bpy.context.scene.cycles.samples = 64"


@pytest.mark.parametrize(
    "line",
    [
        SAMPLES,
        "  bpy.context.scene.cycles.samples=64   # for the preview",
        "bpy.context.scene.render.resolution_percentage //= 2",
        "bpy.context.scene.cycles.use_denoising = False",
        "bpy.context.scene.camera = bpy.data.objects['Camera.001']",
        'bpy.data.scenes["Scene"].view_layers[0].use = True',
        "bpy.data.objects['Cube'].location = (0, -1.5, 2e3)",
        "bpy.data.objects['Cube'].location[:] = [0, 1, 2]",
        "bpy.data.objects['Cube'].location[-1] -= 0.5",
        "bpy.data.objects['Cube']['quality'] = {'low': [1, 2], 'high': None}",
        "bpy.context.scene.tool_settings.snap_elements = {'VERTEX', 'EDGE'}",
        "bpy.context.scene.render.filepath = '//{frames}/#'",
        "",
        "# bpy.context.scene.cycles.samples = 64",
    ],
)
def test_an_assignment_to_a_property_may_stay(line: str) -> None:
    check([line])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("import os", "not an assignment"),
        ("bpy.ops.render.render()", "not an assignment"),
        ("bpy.context.scene.cycles.samples", "not an assignment"),
        ("bpy.context.scene.frame_end: int = 3", "not an assignment"),
        ("del bpy.data.objects[0]", "not an assignment"),
        ("if True: bpy.context.scene.frame_end = 3", "not an assignment"),
        (f"{SAMPLES}; bpy.ops.wm.quit_blender()", "one assignment a line"),
        (f"{SAMPLES}\nimport os", "one assignment a line"),
        ("bpy.a.b = bpy.c.d = 1", "one property on the left"),
        ("bpy.a.b, bpy.c.d = 1, 2", "begins with bpy."),
        ("samples = 64", "begins with bpy."),
        ("bpy = 3", "begins with bpy."),
        ("os.environ['PATH'] = ''", "begins with bpy."),
        ("bpy.data.objects.get('Cube').hide_render = True", "begins with bpy."),
        ("bpy.data.objects[bpy.x()].hide_render = True", "bpy.x() is not allowed"),
        ("bpy.context.scene.frame_end = len('abc')", "len('abc') is not allowed"),
        ("bpy.context.scene.frame_end = 3 + 4", "3 + 4 is not allowed"),
        ("bpy.context.scene.frame_end = end", "end is not allowed"),
        ("bpy.context.scene.name = f'{bpy}'", "is not allowed"),
        ("bpy.context.scene.name = b'x'", "is not allowed"),
        ("bpy.context.scene.name = bpy", "bpy is not allowed"),
        ("bpy.context.scene.name = [x for x in 'abc']", "is not allowed"),
        ("bpy.context.scene.name = lambda: 1", "is not allowed"),
        ("bpy.context.scene['a'] = {**bpy.data.x}", "is not allowed"),
        ("bpy.context.scene['a'] = [*bpy.data.x]", "is not allowed"),
        ("bpy.context.__class__ = 3", "__class__ is no property"),
        ("bpy.context.scene.name = bpy.app.__doc__", "__doc__ is no property"),
        ("bpy.context.scene.frame_end = ", "not Python"),
        ("bpy.context.scene.frame_end = 3)", "not Python"),
        ("bpy.context.scene.frame_end = " + "(" * 500, "not Python"),
        ("bpy.context.scene.frame_end = " + "-" * 5000 + "1", "not"),
        ("bpy.context.scene.frame_end = 1\0", "one assignment a line"),
    ],
)
def test_all_else_is_refused_with_line_and_reason(line: str, reason: str) -> None:
    with pytest.raises(BadOverrides) as refusal:
        check([SAMPLES, "", line])

    (problem,) = refusal.value.problems
    assert problem.line == 3
    assert reason in problem.reason
    assert str(refusal.value).startswith("Line 3: ")


def test_every_bad_line_is_named() -> None:
    with pytest.raises(BadOverrides) as refusal:
        check(["import os", SAMPLES, "import sys"])

    assert [problem.line for problem in refusal.value.problems] == [1, 3]


def test_more_than_a_command_line_takes_is_refused() -> None:
    with pytest.raises(BadOverrides, match="characters altogether"):
        check([SAMPLES] * (LONGEST // len(SAMPLES) + 1))


@given(st.text(max_size=200))
def test_any_line_is_either_taken_or_refused(line: str) -> None:
    assert lines_refused(line) in ([], [1])


def lines_refused(*lines: str) -> list[int]:
    try:
        check(lines)
    except BadOverrides as refusal:
        return [problem.line for problem in refusal.problems]
    return []


def render(*arguments: str) -> dict[str, Any]:
    return {"exe": "blender", "blendfile": "a.blend", "args": list(arguments)}


@pytest.mark.parametrize("option", ["--render-frame", "-f", "--render-anim", "-a"])
def test_they_come_after_the_job_types_own_and_before_the_first_frame(option: str) -> None:
    command = render("--python-expr", "import bpy", option, "1..3", option, "9")

    arguments = with_overrides("blender-render", command, [SAMPLES])["args"]

    assert arguments[:3] == ["--python-expr", "import bpy", "--python-expr"]
    assert SAMPLES in arguments[3]
    assert "\n" not in arguments[3]
    assert arguments[4:] == [option, "1..3", option, "9"]
    assert len(command["args"]) == 6


@pytest.mark.parametrize(
    ("name", "parameters", "lines"),
    [
        ("frames-to-video", render("-f", "1"), [SAMPLES]),
        ("blender-render", render("--python", "bake.py"), [SAMPLES]),
        ("blender-render", {"exe": "blender"}, [SAMPLES]),
        ("blender-render", render("-f", "1"), []),
        ("blender-render", render("-f", "1"), ["", "# nothing"]),
    ],
)
def test_other_commands_are_left_alone(
    name: str, parameters: dict[str, Any], lines: list[str]
) -> None:
    assert with_overrides(name, parameters, lines) == parameters


def carried_out(monkeypatch: pytest.MonkeyPatch, bpy: Any, *lines: str) -> str:
    """What Blender would print."""
    monkeypatch.setitem(sys.modules, "bpy", bpy)
    arguments = with_overrides("blender-render", render("-f", "1"), list(lines))["args"]
    with redirect_stdout(io.StringIO()) as printed, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "exit", lambda code: printed.write(f"exit {code}"))
        exec(arguments[1])
    return printed.getvalue()


def test_they_are_carried_out_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    bpy = SimpleNamespace(scene=SimpleNamespace(name="", end=0))

    carried_out(monkeypatch, bpy, "bpy.scene.name = 'it\\'s \"x\"'", "# more", "bpy.scene.end += 7")

    assert (bpy.scene.name, bpy.scene.end) == ('it\'s "x"', 7)


def test_an_index_may_be_new(monkeypatch: pytest.MonkeyPatch) -> None:
    bpy = SimpleNamespace(scene={})

    carried_out(monkeypatch, bpy, "bpy.scene['quality'] = 3")

    assert bpy.scene == {"quality": 3}


@pytest.mark.parametrize("misspelled", ["bpy.scene.end.of.time = 4", "bpy.scene.ned = 4"])
def test_one_that_fails_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch, misspelled: str
) -> None:
    bpy = SimpleNamespace(scene=SimpleNamespace(end=0))

    said = carried_out(monkeypatch, bpy, "bpy.scene.end = 3", "", misspelled)

    assert f"RNA override of line 3 failed: {misspelled}: AttributeError:" in said
    assert "exit 1" in said
