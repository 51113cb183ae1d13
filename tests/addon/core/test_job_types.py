"""Job types are read as the manager gives them; fields of newer managers are ignored."""

import math
from typing import Any

import pytest

from addon.core.job_types import JobType, Setting, SettingType, Visibility, job_types_from_json
from addon.core.setting_values import NotAValue


def setting(**told: Any) -> Setting:
    return Setting.from_json({"key": "the_setting", **told})


@pytest.mark.parametrize("kind", list(SettingType))
@pytest.mark.parametrize("visible", list(Visibility))
def test_every_type_is_read_in_every_visibility(kind: SettingType, visible: Visibility) -> None:
    read = setting(type=kind.value, visible=visible.value)

    assert (read.type, read.visible) == (kind, visible)
    assert read.is_shown is (visible.value in ("visible", "submission"))


@pytest.mark.parametrize("subtype", ["file_path", "dir_path", "file_name", "hashed_file_path"])
def test_every_subtype_of_a_string_is_read(subtype: str) -> None:
    assert setting(type="string", subtype=subtype).subtype == subtype
    assert setting(type="int32", subtype=subtype).subtype == ""


def test_what_is_left_out_is_as_flamencos_add_on_takes_it() -> None:
    read = setting(type="string")

    assert read.is_editable
    assert read.is_shown
    assert not read.required
    assert not read.has_link
    assert read.label == "The Setting"


def test_everything_a_setting_can_say_is_read() -> None:
    told = {
        "key": "frames",
        "type": "string",
        "choices": ["1-10", "1-20"],
        "propargs": {"maxlen": 20},
        "description": "Which ones",
        "label": "Frames to render",
        "default": "1-20",
        "eval": "f'{C.scene.frame_start}'",
        "evalInfo": {"showLinkButton": True, "description": "Scene frame range"},
        "visible": "submission",
        "required": True,
        "editable": False,
        "of a newer manager": {"ignored": True},
    }

    read = Setting.from_json(told)

    assert read.choices == ("1-10", "1-20")
    assert read.propargs == {"maxlen": 20}
    assert (read.description, read.label) == ("Which ones", "Frames to render")
    assert read.default_value == "1-20"
    assert read.eval_info is not None
    assert read.eval_info.description == "Scene frame range"
    assert (read.has_link, read.required, read.is_editable) == (True, True, False)


@pytest.mark.parametrize(
    "told",
    [
        {"type": "color", "visible": "sometimes", "subtype": "url", "choices": 3, "label": 7},
        {"propargs": [], "evalInfo": "yes", "eval": 5, "description": None},
    ],
)
def test_what_is_not_understood_is_as_if_it_were_not_there(told: dict[str, Any]) -> None:
    assert setting(**told) == setting(type="string")


def test_what_is_no_job_type_is_left_out() -> None:
    told = {"job_types": [{"name": "a", "settings": [{"type": "string"}, 3]}, {"label": "b"}, None]}

    assert job_types_from_json(told) == (JobType("a", "A", ()),)
    assert job_types_from_json(None) == ()


@pytest.mark.parametrize(
    ("told", "value", "fitting"),
    [
        ({"type": "int32"}, "12", 12),
        ({"type": "int32"}, 12.0, 12),
        ({"type": "int32"}, True, 1),
        ({"type": "int32", "propargs": {"min": 1, "max": 9}}, 0, 1),
        ({"type": "int32", "propargs": {"min": 1, "max": 9}}, 10, 9),
        ({"type": "int32"}, 2**40, 2**31 - 1),
        ({"type": "float"}, "0.5", 0.5),
        ({"type": "float", "propargs": {"max": 0.25}}, 1, 0.25),
        ({"type": "float", "propargs": {"max": "a lot"}}, 1, 1.0),
        ({"type": "bool"}, "false", False),
        ({"type": "bool"}, 1, True),
        ({"type": "string"}, 5, "5"),
        ({"type": "string"}, None, ""),
        ({"type": "string", "choices": ["CPU", "CUDA"]}, "CUDA", "CUDA"),
    ],
)
def test_a_value_is_made_to_fit(told: dict[str, Any], value: object, fitting: object) -> None:
    made = setting(**told).coerce(value)

    assert made == fitting
    assert type(made) is type(fitting)


@pytest.mark.parametrize(
    ("told", "value", "why"),
    [
        ({"type": "int32"}, "many", "“many” is not a whole number"),
        ({"type": "int32"}, 1.5, "“1.5” is not a whole number"),
        ({"type": "float"}, math.nan, "“nan” is not a number"),
        ({"type": "float"}, None, "“None” is not a number"),
        ({"type": "bool"}, "perhaps", "“perhaps” is not true or false"),
        ({"type": "bool"}, [], r"“\[\]” is not true or false"),
        ({"type": "string"}, {}, "“{}” is not a text"),
        ({"type": "string", "choices": ["CPU"]}, "GPU", "“GPU” is not among CPU"),
    ],
)
def test_a_value_that_cannot_fit_is_refused(told: dict[str, Any], value: object, why: str) -> None:
    with pytest.raises(NotAValue, match=f"The Setting: {why}"):
        setting(**told).coerce(value)


@pytest.mark.parametrize(
    ("told", "default"),
    [
        ({"type": "string"}, ""),
        ({"type": "int32"}, 0),
        ({"type": "int32", "propargs": {"min": 1}}, 1),
        ({"type": "int32", "default": "nonsense"}, 0),
        ({"type": "float", "default": 2}, 2.0),
        ({"type": "bool", "default": True}, True),
        ({"type": "int32", "propargs": {"min": float("inf")}}, 0),
        ({"type": "string", "choices": ["CPU", "CUDA"]}, "CPU"),
        ({"type": "string", "choices": ["CPU", "CUDA"], "default": "Abacus"}, "CPU"),
    ],
)
def test_a_default_is_of_the_settings_type(told: dict[str, Any], default: object) -> None:
    value = setting(**told).default_value

    assert value == default
    assert type(value) is type(default)
