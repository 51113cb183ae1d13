"""Presets keep settings, and return the values that still fit the job type."""

from pathlib import Path

import pytest

from addon.core.job_types import JobType, Setting, SettingType
from addon.core.presets import (
    PresetError,
    delete_preset,
    load_preset,
    preset_names,
    save_preset,
)

JOB_TYPE = JobType(
    "render",
    "Render",
    (
        Setting("frames"),
        Setting("chunk_size", SettingType.INT32, propargs={"min": 1, "max": 100}),
        Setting("device", choices=("CPU", "CUDA")),
    ),
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    settings = {"frames": "1-ñ", "chunk_size": 5, "device": "CUDA"}

    save_preset(tmp_path, "render", "Final / 4K: “ñ”.", settings)

    assert preset_names(tmp_path, "render") == ("Final / 4K: “ñ”.",)
    assert load_preset(tmp_path, JOB_TYPE, "Final / 4K: “ñ”.") == settings


def test_what_no_longer_fits_is_passed_over(tmp_path: Path) -> None:
    kept = {"frames": "1-5", "gone": 1, "chunk_size": 500, "device": "Abacus"}

    save_preset(tmp_path, "render", "old", kept)

    assert load_preset(tmp_path, JOB_TYPE, "old") == {"frames": "1-5", "chunk_size": 100}


def test_presets_are_of_one_job_type(tmp_path: Path) -> None:
    save_preset(tmp_path, "render", "b", {})
    save_preset(tmp_path, "render", "A", {})
    save_preset(tmp_path, "bake", "c", {})

    assert preset_names(tmp_path, "render") == ("A", "b")


def test_a_preset_is_replaced_and_deleted(tmp_path: Path) -> None:
    save_preset(tmp_path, "render", "a", {"frames": "1"})
    save_preset(tmp_path, "render", "a", {"frames": "2"})
    assert load_preset(tmp_path, JOB_TYPE, "a") == {"frames": "2"}

    delete_preset(tmp_path, "render", "a")
    delete_preset(tmp_path, "render", "a")

    assert preset_names(tmp_path, "render") == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_preset_needs_a_name_of_some_length(tmp_path: Path, name: str) -> None:
    with pytest.raises(PresetError, match="name"):
        save_preset(tmp_path, "render", name, {})


def test_a_name_leads_out_of_no_folder(tmp_path: Path) -> None:
    save_preset(tmp_path / "presets", "render", "../../out", {})

    assert [each.name for each in tmp_path.iterdir()] == ["presets"]
    assert preset_names(tmp_path / "presets", "render") == ("../../out",)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"settings": 3}', "\udcff"])
def test_a_broken_preset_is_named(tmp_path: Path, text: str) -> None:
    save_preset(tmp_path, "render", "a", {})
    [file] = tmp_path.rglob("*.json")
    file.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(PresetError, match="“a” cannot be read"):
        load_preset(tmp_path, JOB_TYPE, "a")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(PresetError, match="cannot be saved"):
        save_preset(tmp_path / "file", "render", "a", {})
