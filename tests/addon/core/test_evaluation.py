"""Settings get their values from expressions, as Flamenco's add-on gives them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from addon.core.evaluation import (
    EvaluationFailed,
    SettingsInUse,
    absolute,
    evaluate,
    evaluate_all,
    last_n_dir_parts,
    namespace_for,
)
from addon.core.job_types import EvalInfo, JobType, Setting, SettingType, Visibility
from addon.core.setting_values import NotAValue

BLENDFILE = Path("/projects/pilot/sh010/light.blend")
LINK = EvalInfo(show_link_button=True, description="")
SCENE = SimpleNamespace(frame_start=1, frame_end=24)
NAMESPACE = namespace_for("light", BLENDFILE, C=SimpleNamespace(scene=SCENE), bpy=None)


def values(*settings: Setting, linked: set[str] | None = None, **chosen: Any) -> dict[str, Any]:
    job_type = JobType("render", "Render", settings)
    return evaluate_all(SettingsInUse(job_type, chosen, NAMESPACE, linked), job_type)


def test_the_names_that_flamenco_promises_are_there() -> None:
    expression = "[jobname, str(Path('a', 'b')), abspath('//c'), str(last_n_dir_parts(1))]"

    assert evaluate(expression, NAMESPACE) == ["light", "a/b", "/projects/pilot/sh010/c", "sh010"]


def test_flamencos_output_path_is_made() -> None:
    expression = (
        "str(Path(abspath(settings.root), last_n_dir_parts(settings.parts), "
        "jobname, '{timestamp}', '######'))"
    )
    output = Setting("output", eval=expression, editable=False)
    parts = Setting("parts", SettingType.INT32)

    made = values(output, Setting("root"), parts, root="/render", parts=2)

    assert made["output"] == "/render/pilot/sh010/light/{timestamp}/######"


def test_comprehensions_see_the_names_too() -> None:
    assert evaluate("[jobname for _ in range(2)]", NAMESPACE) == ["light", "light"]


@pytest.mark.parametrize(
    ("n", "file", "parts"),
    [
        (0, "/a/b/c.blend", "."),
        (1, "/a/b/c.blend", "b"),
        (2, "/a/b/c.blend", "a/b"),
        (9, "/a/b/c.blend", "a/b"),
        (2, None, "."),
    ],
)
def test_last_folders_never_hold_the_root(n: int, file: str | None, parts: str) -> None:
    assert str(last_n_dir_parts(n, file)) == parts


def test_a_path_is_relative_to_the_file_only_if_it_says_so() -> None:
    assert absolute("//x/y", BLENDFILE) == "/projects/pilot/sh010/x/y"
    assert absolute("/x/y", BLENDFILE) == "/x/y"
    assert absolute("//x", None) == "//x"


FRAMES = Setting("frames", eval="f'{C.scene.frame_start}-{C.scene.frame_end}'", eval_info=LINK)


@pytest.mark.parametrize(
    ("linked", "chosen", "frames"),
    [
        ({"frames"}, "5", "1-24"),
        (set[str](), "5", "5"),
        (None, "5", "5"),
        (None, None, "1-24"),
    ],
)
def test_a_linked_setting_follows_its_expression(
    linked: set[str] | None, chosen: str | None, frames: str
) -> None:
    assert values(FRAMES, linked=linked, frames=chosen) == {"frames": frames}


def test_what_nobody_can_type_is_evaluated() -> None:
    fixed = Setting("fixed", eval="'from the scene'", editable=False)
    hidden = Setting("hidden", eval="1 + 1", type=SettingType.INT32, visible=Visibility.HIDDEN)

    assert values(fixed, hidden, fixed="typed") == {"fixed": "from the scene", "hidden": 2}


def test_a_script_may_say_what_is_hidden() -> None:
    hidden = Setting("hidden", eval="1 / 0", visible=Visibility.HIDDEN)

    assert values(hidden, hidden="known") == {"hidden": "known"}


def test_what_an_artist_emptied_stays_empty() -> None:
    note = Setting("note", eval="'evaluated on demand'")

    assert values(note, note="") == {"note": ""}


def test_what_has_neither_value_nor_expression_has_its_default() -> None:
    size = Setting("size", SettingType.INT32, default=4)

    assert values(size) == {"size": 4}


def test_what_an_expression_gives_is_made_to_fit() -> None:
    size = Setting("size", SettingType.INT32, propargs={"max": 3}, eval="7.0", editable=False)

    assert values(size) == {"size": 3}


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("1 / 0", "division by zero"),
        ("nobody", "name 'nobody' is not defined"),
        ("1 +", "invalid syntax"),
        ("settings.missing", "the job type has no setting “missing”"),
        ("settings.broken", "it depends on itself"),
        ("exit()", "would end Blender"),
        (r"'\0'", "is not a text"),
        (r"'\ud800'", "is not a text"),
    ],
)
def test_an_expression_that_fails_names_its_setting(expression: str, why: str) -> None:
    broken = Setting("broken", label="The broken one", eval=expression, editable=False)

    with pytest.raises(EvaluationFailed, match=f"The broken one cannot be evaluated: .*{why}"):
        values(broken)


def test_a_value_of_the_wrong_type_names_its_setting() -> None:
    broken = Setting("broken", SettingType.INT32, label="Size", eval="'large'", editable=False)

    with pytest.raises(EvaluationFailed, match="Size: “large” is not a whole number"):
        values(broken)
    with pytest.raises(NotAValue, match="“large” is not a whole number"):
        values(Setting("size", SettingType.INT32, label="Size"), size="large")


def test_failures_may_be_collected() -> None:
    broken, fine = Setting("broken", eval="1 / 0", editable=False), Setting("fine", default="x")
    job_type = JobType("render", "Render", (broken, fine))
    failed: list[str] = []

    made = evaluate_all(
        SettingsInUse(job_type, {}, NAMESPACE), job_type, lambda each, _: failed.append(each.key)
    )

    assert (failed, made) == (["broken"], {"fine": "x"})
