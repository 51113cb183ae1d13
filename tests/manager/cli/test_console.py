"""Tables of one line a row, and times for people."""

from datetime import UTC, datetime

import pytest

from manager_api.cli.console import ago, shortened, show_list

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-04T11:59:57Z", "now"),
        ("2026-05-04T12:00:30Z", "now"),  # the manager's clock is ahead
        ("2026-05-04T11:59:00Z", "60 s"),
        ("2026-05-04T11:48:00Z", "12 min"),
        ("2026-05-04T09:00:00+00:00", "3 h"),
        ("2026-04-29T12:00:00Z", "5 days"),
        ("", ""),
    ],
)
def test_a_time_is_said_as_how_long_ago_it_was(moment: str, expected: str) -> None:
    assert ago(moment, NOW) == expected


def test_wide_characters_count_as_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_list(("A", "B"), [("日本", "x"), ("ab", "y")])

    assert capsys.readouterr().out.splitlines() == ["A     B", "日本  x", "ab    y"]


@pytest.mark.parametrize(("width", "expected"), [(8, "sh010_0…"), (20, "sh010_0020")])
def test_a_long_text_is_cut(width: int, expected: str) -> None:
    assert shortened("sh010_0020", width) == expected


def test_in_a_terminal_the_last_column_is_cut_to_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal
    monkeypatch.setenv("COLUMNS", "30")

    show_list(("ID", "NAME"), [("12345678", "a" * 40)])

    assert capsys.readouterr().out.splitlines()[1] == f"12345678  {'a' * 19}…"
