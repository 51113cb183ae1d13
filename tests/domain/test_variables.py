"""Variables in both directions, case by case as Flamenco replaces them, and as properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.variables import (
    DEFAULT_VARIABLES,
    Audience,
    Variable,
    Variables,
    VariableValue,
    to_platform,
)

PLATFORMS = ("linux", "windows", "darwin")


def two_way(name: str, **values: str) -> Variable:
    return Variable(
        name, tuple(VariableValue(value, (on,)) for on, value in values.items()), is_twoway=True
    )


RENDER = two_way("render", linux="/render/", windows="R:\\", darwin="/Volumes/render")
FARM = Variables.of_farm((*DEFAULT_VARIABLES, RENDER), "/render/jobs")


def expanded(text: str, on: str, farm: Variables = FARM, manager: str = "linux") -> str:
    return farm.for_workers(on, manager).text(text)


def folded(text: str, on: str, farm: Variables = FARM) -> Any:
    return farm.fold({"path": text}, on)["path"]


# --- choosing a value -----------------------------------------------------------------------------


def test_a_platforms_own_value_beats_the_one_for_all() -> None:
    variable = Variable("v", (VariableValue("mine", ("linux",)), VariableValue("any")))

    assert variable.value_for("linux") == "mine"
    assert variable.value_for("haiku") == "any"


def test_values_for_users_are_not_for_workers() -> None:
    variable = Variable(
        "v", (VariableValue("any"), VariableValue("users", audience=Audience.USERS))
    )

    assert variable.value_for("linux", Audience.WORKERS) == "any"
    assert variable.value_for("linux", Audience.USERS) == "users"


def test_there_may_be_no_value_for_a_platform() -> None:
    assert two_way("v", windows="V:").value_for("linux") is None


@pytest.mark.parametrize(
    ("value", "trimmed"),
    [("/render//", "/render"), ("R:\\", "R:"), ("/", "/"), ("\\\\", "\\"), ("", "")],
)
def test_twoway_values_lose_trailing_separators(value: str, trimmed: str) -> None:
    assert two_way("v", linux=value).value_for("linux") == trimmed


def test_oneway_values_keep_trailing_separators() -> None:
    assert Variable("v", (VariableValue("/opt/"),)).value_for("linux") == "/opt/"


# --- from names to values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "blender"),
    [("linux", "blender"), ("windows", "blender.exe"), ("darwin", "blender")],
)
def test_a_farm_knows_blender_without_configuration(platform: str, blender: str) -> None:
    assert expanded("{blender} {blenderArgs}", platform) == f"{blender} -b -y"


@pytest.mark.parametrize(
    ("text", "platform", "result"),
    [
        ("{render}/a/b.blend", "linux", "/render/a/b.blend"),
        ("{render}/a/b.blend", "darwin", "/Volumes/render/a/b.blend"),
        ("{render}/a/b.blend", "windows", "R:\\a\\b.blend"),
        ("{render}", "windows", "R:\\"),
        ("{render}frames", "windows", "R:\\frames"),
        ("{render}\\a\\\\b//c/", "linux", "/render/a/b/c"),
        ("see {render}/a", "windows", "see R:\\a"),
        # The manager's own value, without a name.
        ("/render/a", "windows", "R:\\a"),
        ("\\render\\a", "windows", "R:\\a"),
        ("/RENDER/a", "windows", "/RENDER/a"),
        ("/render//a/", "linux", "/render/a"),
        # The implicit one-way variable, which points into a two-way one.
        ("{jobs}/x.blend", "linux", "/render/jobs/x.blend"),
        ("{jobs}/x.blend", "windows", "R:\\jobs\\x.blend"),
        # Nothing of two ways: slashes stay.
        ("//a//b\\c/", "windows", "//a//b\\c/"),
        ("{unknown}/a//b", "windows", "{unknown}/a//b"),
        ("{}{{blender}}", "linux", "{}{blender}"),
    ],
)
def test_values_replace_names(text: str, platform: str, result: str) -> None:
    assert expanded(text, platform) == result


def test_a_configured_jobs_variable_is_dropped() -> None:
    farm = Variables.of_farm([Variable("jobs", (VariableValue("/elsewhere"),))], "/storage")

    assert expanded("{jobs}", "linux", farm) == "/storage"


def test_a_oneway_value_may_name_a_twoway_variable() -> None:
    farm = Variables((RENDER, Variable("tools", (VariableValue("{render}/tools"),))))

    assert expanded("{tools}/ffmpeg", "windows", farm) == "R:\\tools\\ffmpeg"


def test_values_are_not_expanded_again() -> None:
    farm = Variables(
        (Variable("a", (VariableValue("{b}"),)), Variable("b", (VariableValue("{a}"),)))
    )

    assert expanded("{a}{b}", "linux", farm) == "{b}{a}"


def test_the_longest_of_the_managers_values_is_swapped() -> None:
    farm = Variables(
        (two_way("root", linux="/mnt", windows="M:"), two_way("a", linux="/mnt/a", windows="A:"))
    )

    assert expanded("/mnt/a/x", "windows", farm) == "A:\\x"
    assert expanded("/mnt/b/x", "windows", farm) == "M:\\b\\x"


def test_a_manager_on_windows_serves_workers_on_linux() -> None:
    assert expanded("R:/a\\b", "linux", manager="windows") == "/render/a/b"


def test_only_strings_and_strings_in_lists_are_replaced() -> None:
    parameters = {
        "exe": "{blender}",
        "args": ["{render}/a", 24, None, ["{render}"]],
        "{render}": {"nested": "{render}"},
        "count": 3,
    }

    result = FARM.for_workers("windows", "linux").parameters(parameters)

    assert result == {
        "exe": "blender.exe",
        "args": ["R:\\a", 24, None, ["{render}"]],
        "{render}": {"nested": "{render}"},
        "count": 3,
    }
    assert parameters["exe"] == "{blender}"


@pytest.mark.parametrize(
    ("path", "platform", "result"),
    [
        ("//server//share/a/", "windows", "\\\\server\\share\\a"),
        ("\\\\server\\share", "linux", "//server/share"),
        ("F:", "windows", "F:\\"),
        ("F:foo", "windows", "F:\\foo"),
        ("F:/foo", "windows", "F:\\foo"),
        ("F:foo", "linux", "F:foo"),
        ("/", "linux", "/"),
        ("", "linux", ""),
    ],
)
def test_separators_follow_the_platform(path: str, platform: str, result: str) -> None:
    assert to_platform(path, platform) == result


# --- from values to names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "platform", "result"),
    [
        ("/render/a/b.blend", "linux", "{render}/a/b.blend"),
        ("/Render/A", "linux", "{render}/A"),
        ("r:\\A\\b", "windows", "{render}\\A\\b"),
        ("R:/a", "windows", "{render}/a"),
        ("\\render\\a", "linux", "{render}\\a"),
        ("/render", "linux", "{render}"),
        # A plain prefix, as in Flamenco.
        ("/rendering/x", "linux", "{render}ing/x"),
        ("in /render/a", "linux", "in /render/a"),
        ("/render/a", "windows", "/render/a"),
        ("blender", "linux", "blender"),
        ("/render/a", "haiku", "/render/a"),
        ("/ren", "linux", "/ren"),
    ],
)
def test_names_replace_values_at_the_start(text: str, platform: str, result: str) -> None:
    assert folded(text, platform) == result


def test_the_longest_of_overlapping_values_wins() -> None:
    variables = (two_way("a", linux="/mnt"), two_way("b", linux="/mnt/projects"))

    for farm in (Variables(variables), Variables(variables[::-1])):
        assert folded("/mnt/projects/x", "linux", farm) == "{b}/x"


def test_values_for_users_are_not_looked_for() -> None:
    values = (VariableValue("/farm"), VariableValue("/home/me", audience=Audience.USERS))
    farm = Variables((Variable("v", values, is_twoway=True),))

    assert folded("/home/artist/a", "linux", farm) == "/home/artist/a"
    assert folded("/farm/a", "linux", farm) == "{v}/a"


def test_an_empty_value_matches_nothing() -> None:
    farm = Variables((two_way("v", linux=""),))

    assert folded("/a", "linux", farm) == "/a"
    assert expanded("/a", "linux", farm) == "/a"


def test_nested_settings_and_numbers_stay() -> None:
    settings = {"a": "/render/x", "b": ["/render/x"], "c": 3, "d": None}

    assert FARM.fold(settings, "linux") == {**settings, "a": "{render}/x"}


# --- both -----------------------------------------------------------------------------------------

_names = st.text(alphabet="abcdefgh", min_size=1, max_size=6)
_relative = st.lists(_names, min_size=1, max_size=4).map("/".join)


@st.composite
def farms(draw: st.DrawFn) -> Variables:
    roots = draw(st.lists(_relative, min_size=1, max_size=4, unique=True))
    return Variables(
        tuple(
            two_way(f"v{number}", linux=f"/{root}", darwin=f"/Volumes/{root}", windows=f"X:/{root}")
            for number, root in enumerate(roots)
        )
    )


@given(farms(), _relative, st.sampled_from(PLATFORMS))
def test_a_path_survives_the_way_there_and_back(farm: Variables, path: str, platform: str) -> None:
    value = farm.definitions[0].value_for(platform)
    original = to_platform(f"{value}/{path}", platform)

    there_and_back = expanded(folded(original, platform, farm), platform, farm)

    assert there_and_back == original


@given(farms(), _relative, st.permutations(PLATFORMS))
def test_a_submitters_path_reaches_the_same_file_elsewhere(
    farm: Variables, path: str, platforms: list[str]
) -> None:
    submitter, worker, manager = platforms
    variable = farm.definitions[0]
    text = folded(f"{variable.value_for(submitter)}/{path}", submitter, farm)

    result = expanded(text, worker, farm, manager)

    assert result == to_platform(f"{variable.value_for(worker)}/{path}", worker)


@given(st.text(max_size=40), st.sampled_from(PLATFORMS))
def test_any_text_can_be_folded_and_expanded(text: str, platform: str) -> None:
    expanded(folded(text, platform), platform)


@given(st.text(alphabet="ab/\\:F.", max_size=20), st.sampled_from(PLATFORMS))
def test_rewriting_separators_twice_changes_nothing_more(path: str, platform: str) -> None:
    once = to_platform(path, platform)

    assert to_platform(once, platform) == once
