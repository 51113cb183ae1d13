"""What others have written commands no terminal."""

import json

import pytest

from manager_api.cli.console import harmless, note, say, show_fields, show_json, show_table

EVIL = "a\x1b]0;title\x07\x1b[2J\x9b31m\r\u202egnp\u2066\x7f\u2028\x00b"


def is_harmless(text: str) -> bool:
    return not any(mark in text for mark in EVIL if not mark.isprintable())


@pytest.mark.parametrize(
    "text",
    [
        "bulería · 3 €",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👩\u200d🚀",
        "two\nlines\tand a tab",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_tables_fields_and_notes_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["Name"], [[EVIL]])
    show_fields([("Name", EVIL)])
    note(EVIL)

    shown = capsys.readouterr()

    assert is_harmless(shown.out)
    assert is_harmless(shown.err)
    assert "\\u001b" in shown.out


def test_json_has_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"name": EVIL})

    shown = capsys.readouterr().out

    assert is_harmless(shown)
    assert json.loads(shown) == {"name": EVIL}


def test_a_log_commands_no_terminal_and_a_file_gets_it_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(EVIL)
    in_file = capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    say(EVIL)

    assert "\u202egnp" in in_file
    assert is_harmless(capsys.readouterr().out)
