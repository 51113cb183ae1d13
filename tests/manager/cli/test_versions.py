"""`tablao versions`: the table, and what to do."""

import json

from tests.manager.cli.fake_manager import Run


def test_each_part_has_a_line_and_what_differs_is_marked(run: Run) -> None:
    lines = [line.split() for line in run("versions").out.splitlines() if line]

    assert ["manager", "0.2.0", "triana"] in lines
    assert ["manager", "0.1.0", "older", "cádiz"] in lines
    assert ["Temporal", "not", "known", "the", "manager's", "own"] in lines
    assert ["database", "0022", "SQLite"] in lines
    assert ["2", "workers", "0.1.0", "older", "north,", "south"] in lines
    assert ["0", "workers", "Flamenco", "3.5"] in lines


def test_what_to_do_is_said_for_managers_and_workers(run: Run) -> None:
    out = run("versions").out

    assert "The manager on cádiz, 0.1.0: Stop it." in out
    assert "Workers, 0.1.0: Install the manager's version." in out


def test_upgrades_that_failed_or_are_under_way_are_said(run: Run) -> None:
    out = run("versions").out

    assert "north: the upgrade to 0.2.0 failed. The disk is full." in out
    assert "south: it is installing version 0.2.0." in out


def test_versions_as_json_are_the_managers_answer(run: Run) -> None:
    assert json.loads(run("versions", "--json").out)["version"] == "0.2.0"
