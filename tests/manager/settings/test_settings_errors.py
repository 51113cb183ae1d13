"""A wrong setting is named in a sentence, with the place where it is written."""

from pathlib import Path

import pytest

from activities.process.layered_settings import SettingsError
from manager_api.settings.model import SETTINGS_FILE, read_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / SETTINGS_FILE


def said(file: Path, listen: str | None = None) -> str:
    with pytest.raises(SettingsError) as refusal:
        read_settings(data_dir=file.parent, listen=listen)
    return str(refusal.value).replace(str(file), "FILE")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "manager_name: x\ntask_timeout: soon",
            'Setting task_timeout: "soon" is no duration; write it as 90s, 10m or 1h30m. '
            "It is in line 2 of FILE.",
        ),
        (
            "\n\nkeeper_tick_s: five",
            'Setting keeper_tick_s: it must be a number, not "five". It is in line 3 of FILE.',
        ),
        (
            "task_log_max_bytes: 3",
            "Setting task_log_max_bytes: it must be at least 65536. It is in line 1 of FILE.",
        ),
        (
            "manager_nam: x",
            "Setting manager_nam: there is no such setting; did you mean manager_name. "
            "It is in line 1 of FILE.",
        ),
        (
            "shaman:\n  enabled: perhaps",
            'Setting shaman.enabled: it must be true or false, not "perhaps". '
            "It is in line 2 of FILE.",
        ),
        (
            "variables:\n  blender:\n    values:\n    - platform: linux",
            "Setting variables.blender.values.0.value: it is missing. It is in line 4 of FILE.",
        ),
        (
            "log_level: loud",
            "Setting log_level: it must be 'debug', 'info', 'warning' or 'error'. "
            "It is in line 1 of FILE.",
        ),
        (
            "shaman: on a Tuesday",
            "Setting shaman: it must be a section of settings. It is in line 1 of FILE.",
        ),
        ("a: 1\nb: [1, 2\n", "FILE cannot be read: in line 2 begins a bracket that does not end."),
        ('a: 1\nb: "x\n', "FILE cannot be read: in line 2 begins a quote that does not end."),
        ("a:\n\t- b", "FILE cannot be read: line 2 begins with a tab; indent it with spaces."),
        (
            "a: b: c",
            "FILE cannot be read: line 1 is not YAML "
            "(the text: mapping values are not allowed here).",
        ),
        ("- a\n- b", "FILE must hold settings as `name: value` lines."),
    ],
)
def test_a_wrong_file_is_explained_with_its_line(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)

    assert said(file) == sentence


def test_a_file_that_is_no_text_is_explained(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: \xff\n")

    assert said(file) == "FILE cannot be read: in line 2 is a character that is not UTF-8."


def test_all_wrong_settings_are_named_up_to_ten(file: Path) -> None:
    file.write_text("".join(f"wrong{number}: 1\n" for number in range(12)))

    lines = said(file).splitlines()

    assert len(lines) == 11
    assert lines[-1] == "2 more settings are wrong."


def test_a_value_of_the_environment_is_not_looked_for_in_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("keeper_tick_s: 5")
    monkeypatch.setenv("TABLAO_KEEPER_TICK_S", "five")

    assert said(file).endswith("It is in the environment, in TABLAO_KEEPER_TICK_S.")


def test_an_option_is_named_as_one(file: Path) -> None:
    file.write_text("listen: 127.0.0.1:80")

    assert said(file, listen="nowhere").endswith("It was given on the command line.")


def test_secrets_are_not_repeated(file: Path) -> None:
    file.write_text("temporal_api_key: [hunter2]\ndatabase: {password: hunter2}")

    assert "hunter2" not in said(file)
