"""Tables of one line a row, and times for people."""

from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from manager_api.cli.console import ago, shortened, show_list, show_table

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


JOB = ("12345678", "cancel-requested", "10001/10001", "100 min left", "50", "12 min", "camarón")
JOB_COLUMNS = ("ID", "STATUS", "STEPS", "LEFT", "PRIO", "AGE", "USER", "NAME")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_list_fits_the_terminal_and_leaves_out_what_can_be_spared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))

    show_list(JOB_COLUMNS, [(*JOB, "a job's long name " * 9)], spare=("PRIO", "LEFT", "USER"))

    head, row = capsys.readouterr().out.splitlines()
    assert cell_len(row) <= width
    assert ("PRIO" in head, "USER" in head) == (width > 80, width > 60)
    assert row.startswith("12345678  cancel-request")
    assert "10001/10001" in row


def test_a_wide_column_in_the_middle_is_cut_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")

    show_list(("ID", "NAME", "DESCRIPTION"), [("12345678", "n" * 255, "d" * 255)])

    row = capsys.readouterr().out.splitlines()[1]
    assert cell_len(row) == 80
    assert row.count("…") == 2


def test_a_pipe_gets_each_row_whole_and_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("SETTING", "VALUE"), [("a", "b" * 300)])
    show_list(("ID", "NAME"), [("1", "n" * 300)], spare=("ID",))

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[1].endswith("b" * 300)
    assert lines[3] == f"1   {'n' * 300}"
