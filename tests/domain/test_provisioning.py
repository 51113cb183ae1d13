"""What is in force for a worker, when several places say something."""

import pytest

from workflows.domain.provisioning import (
    Layer,
    Provision,
    layers_for,
    merged,
    newest,
    with_named_tools,
)

FARM = Layer("farm", "", {"ffmpeg": "of the farm"})
LINUX = Layer("platform", "linux", {"ffmpeg": "of linux"})
GPU = Layer("tag", "gpu", {"ffmpeg": "of gpu"})
NIGHT = Layer("tag", "night", {"ffmpeg": "of night"})
ADA = Layer("worker", "ada", {"ffmpeg": "of ada"})
OTHERS = (
    Layer("platform", "windows", {"ffmpeg": "of windows"}),
    Layer("worker", "bob", {"ffmpeg": "of bob"}),
    Layer("tag", "attic", {"ffmpeg": "of the attic"}),
)


@pytest.mark.parametrize(
    ("set_there", "in_force"),
    [
        ((), None),
        ((FARM,), "of the farm"),
        ((FARM, LINUX), "of linux"),
        ((NIGHT, LINUX, FARM), "of night"),
        ((NIGHT, GPU, FARM), "of gpu"),
        ((ADA, GPU, LINUX), "of ada"),
    ],
)
def test_the_worker_is_stronger_than_its_tags_platform_and_farm(
    set_there: tuple[Layer, ...], in_force: str | None
) -> None:
    layers = layers_for((*OTHERS, *set_there), "ada", "linux", ["gpu", "night"])

    assert merged(layers).ffmpeg == in_force


def test_settings_are_overridden_one_by_one_and_names_within_them_too() -> None:
    farm = Layer(
        "farm",
        "",
        {
            "blender": {"4.5": "/farm/4.5", "5.0": "/farm/5.0"},
            "environment": {"OCIO": "farm", "LICENSE": "farm"},
            "slots": 2,
            "task_types": ["blender"],
        },
    )
    mine = Layer(
        "worker", "ada", {"blender": {"4.5": "/mine/4.5"}, "environment": {"LICENSE": None}}
    )

    assert merged([farm, mine]) == Provision(
        blender={"4.5": "/mine/4.5", "5.0": "/farm/5.0"},
        environment={"OCIO": "farm"},
        slots=2,
        task_types=("blender",),
    )


def test_what_is_in_force_reads_as_a_place_that_says_all_of_it() -> None:
    settings = {"blender": {"4.5": "/b"}, "blender_args": "", "task_types": ["misc"], "slots": 3}

    assert merged([Layer("farm", "", settings)]).settings() == settings
    assert Provision().settings() == {}


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ((), ""),
        (("4.9", "4.10"), "4.10"),
        (("4.5.3", "4.5"), "4.5.3"),
        (("5.0", "nightly"), "5.0"),
        (("3.6", "10.0", "4.2"), "10.0"),
    ],
)
def test_the_newest_is_told_by_its_numbers(versions: tuple[str, ...], expected: str) -> None:
    assert newest(versions) == expected


def test_blender_is_the_build_that_the_job_asks_for_else_the_usual_one_else_the_newest() -> None:
    builds = {"4.5": "/b/4.5", "5.0": "/b/5.0"}

    assert Provision(blender=builds).variables()["blender"] == "/b/5.0"
    assert Provision(blender=builds, blender_version="4.5").variables()["blender"] == "/b/4.5"
    asked = Provision(blender=builds, blender_version="5.0").variables("4.5")
    assert asked["blender"] == "/b/4.5"
    assert asked["blender-5.0"] == "/b/5.0"


def test_a_build_that_is_not_there_stays_a_name() -> None:
    assert Provision(blender={"5.0": "/b"}).variables("4.5")["blender"] == "{blender-4.5}"
    assert Provision().variables("4.5") == {"blender": "{blender-4.5}"}


def test_what_is_not_set_is_left_to_the_farms_variables() -> None:
    assert Provision().variables() == {}
    assert Provision(blender_args="-b", ffmpeg="/f").variables() == {
        "blenderArgs": "-b",
        "ffmpeg": "/f",
    }


@pytest.mark.parametrize(
    ("exe", "becomes"),
    [
        ("ffmpeg", "{ffmpeg}"),
        ("ffmpeg.exe", "{ffmpeg}"),
        ("/usr/bin/ffmpeg", "/usr/bin/ffmpeg"),
        ("blender", "blender"),  # nothing is provisioned for it
        ("{blender}", "{blender}"),
        (7, 7),
    ],
)
def test_a_bare_tool_is_the_provisioned_one(exe: object, becomes: object) -> None:
    assert with_named_tools({"exe": exe, "fps": 24}, {"ffmpeg"}) == {"exe": becomes, "fps": 24}
