"""Information about a manager is fetched, saved, and loaded again if it is valid."""

import json
from pathlib import Path
from typing import Any

import pytest

from addon.core.manager import Manager, ManagerError
from addon.core.manager_info import (
    SharedStorage,
    Tag,
    Variable,
    fetch,
    from_json,
    load,
    save,
    to_json,
)
from tests.addon.core.stand_in_manager import FLAMENCO, Reply, StandInManager, as_flamenco

VERSION = "/api/v3/version"


def test_everything_about_a_stock_flamenco_is_fetched(stand_in: StandInManager) -> None:
    as_flamenco(stand_in)

    info = fetch(Manager(stand_in.url), "linux")

    assert (info.name, info.version, info.is_tablao) == ("Flamenco", "3.9-alpha1", False)
    assert info.product == "Flamenco 3.9-alpha1 (abc1234)"
    assert info.storage == SharedStorage("/render/jobs", True, "users", "linux")
    assert [each.name for each in info.job_types] == ["simple-blender-render", "echo"]
    assert info.tags == (
        Tag("11111111-0000-4000-8000-000000000000", "GPU"),
        Tag("22222222-0000-4000-8000-000000000000", "slow", "old"),
    )
    assert info.variables["shots"] == Variable("/mnt/shots", is_twoway=True)


def test_only_flamencos_own_paths_are_asked(stand_in: StandInManager) -> None:
    as_flamenco(stand_in)

    fetch(Manager(stand_in.url), "linux")

    assert {each.path for each in stand_in.requests} == set(FLAMENCO)


def test_our_own_manager_is_known_by_its_product(stand_in: StandInManager) -> None:
    as_flamenco(stand_in, **{VERSION: FLAMENCO[VERSION] | {"git": "Tablao 0.1.0"}})

    info = fetch(Manager(stand_in.url), "linux")

    assert info.is_tablao
    assert info.product == "Tablao 0.1.0"


@pytest.mark.parametrize("spoken", ["3.0", "3.8.4", "3.10-beta2", "v3.9"])
def test_every_flamenco_3_is_welcome(stand_in: StandInManager, spoken: str) -> None:
    as_flamenco(stand_in, **{VERSION: FLAMENCO[VERSION] | {"shortversion": spoken}})

    assert fetch(Manager(stand_in.url), "linux").version == spoken


@pytest.mark.parametrize("spoken", ["2.1", "4.0", "30.1", "nightly"])
def test_other_flamencos_are_refused_with_a_sentence(stand_in: StandInManager, spoken: str) -> None:
    as_flamenco(stand_in, **{VERSION: FLAMENCO[VERSION] | {"shortversion": spoken}})

    with pytest.raises(ManagerError, match=rf"is Flamenco {spoken}; .* Update the manager"):
        fetch(Manager(stand_in.url), "linux")


@pytest.mark.parametrize("answer", [[], {}, {"version": 3}, "3.9", None])
def test_what_has_no_version_is_no_manager(stand_in: StandInManager, answer: Any) -> None:
    as_flamenco(stand_in, **{VERSION: answer})

    with pytest.raises(ManagerError, match="is no Flamenco or Tablao manager"):
        fetch(Manager(stand_in.url), "linux")


def test_a_manager_that_answers_something_else_is_refused(stand_in: StandInManager) -> None:
    as_flamenco(stand_in, **{"/api/v3/configuration/shared-storage/users/linux": {"place": "/"}})

    with pytest.raises(ManagerError, match="not as a Flamenco or Tablao manager does"):
        fetch(Manager(stand_in.url), "linux")


def test_an_early_flamenco_3_has_no_tags(stand_in: StandInManager) -> None:
    as_flamenco(stand_in)
    del stand_in.replies["/api/v3/worker-mgt/tags"]

    assert fetch(Manager(stand_in.url), "linux").tags == ()


def test_a_failure_to_tell_the_tags_is_no_lack_of_tags(stand_in: StandInManager) -> None:
    as_flamenco(stand_in)
    stand_in.replies["/api/v3/worker-mgt/tags"] = Reply(500)

    with pytest.raises(ManagerError, match="answered with status 500"):
        fetch(Manager(stand_in.url), "linux")


def test_what_was_kept_is_read_back(stand_in: StandInManager, tmp_path: Path) -> None:
    as_flamenco(stand_in)
    info = fetch(Manager(stand_in.url), "linux")
    file = tmp_path / "config" / "manager.json"

    save(info, file)

    assert load(file) == info
    assert load(file, info.address) == info
    assert [each.name for each in file.parent.iterdir()] == ["manager.json"]


def test_what_is_kept_of_another_manager_is_not_used(
    stand_in: StandInManager, tmp_path: Path
) -> None:
    as_flamenco(stand_in)
    save(fetch(Manager(stand_in.url), "linux"), tmp_path / "manager.json")

    assert load(tmp_path / "manager.json", "http://elsewhere:8080") is None


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "null",
        "[]",
        '{"format": 0, "address": "", "answers": {}}',
        '{"format": 1, "address": "", "answers": {}}',
        '{"format": 1, "address": "", "answers": {"version": 3, "storage": 4}}',
        "[" * 100_000,
    ],
)
def test_a_kept_file_that_is_no_good_counts_as_none(tmp_path: Path, kept: str) -> None:
    (tmp_path / "manager.json").write_text(kept)

    assert load(tmp_path / "manager.json") is None


def test_bytes_that_are_no_text_count_as_none(tmp_path: Path) -> None:
    (tmp_path / "manager.json").write_bytes(b"\xff\xfe\x00")

    assert load(tmp_path / "manager.json") is None
    assert load(tmp_path / "missing.json") is None


def test_damage_anywhere_in_what_is_kept_is_survived(stand_in: StandInManager) -> None:
    as_flamenco(stand_in)
    kept = json.loads(to_json(fetch(Manager(stand_in.url), "linux")))

    for part in kept["answers"]:
        for damage in list[Any]((None, 3, "text", [1], [{}], {"tags": [{"id": 1}]}, {"name": []})):
            damaged = kept | {"answers": kept["answers"] | {part: damage}}
            from_json(json.dumps(damaged))  # does not raise
