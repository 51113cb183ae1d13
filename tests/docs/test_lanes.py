"""Each test file is in a lane, and each line of the table of lanes is about a file."""

from pathlib import Path

from tests.lanes import GROUPS, QUICK, SLOW, group_of, has_lane, is_quick, rank_of


def test_no_test_file_is_in_no_lane(test_files: list[str]) -> None:
    assert [file for file in test_files if not has_lane(file)] == []


def test_no_line_is_about_files_that_are_gone(test_files: list[str]) -> None:
    beginnings = [*QUICK, *SLOW, *(each for row in GROUPS for each in row)]

    gone = [each for each in beginnings if not any(file.startswith(each) for file in test_files)]

    assert gone == []


def test_both_lanes_have_tests(test_files: list[str]) -> None:
    quick = {file for file in test_files if is_quick(file)}

    assert quick
    assert quick < set(test_files)


def test_the_longer_beginning_decides() -> None:
    assert is_quick("tests/manager/settings/test_settings.py")
    assert not is_quick("tests/manager/jobs/test_jobs.py")
    assert not is_quick("tests/docs/test_code_quality.py")
    assert not has_lane("tests/new_folder/test_of_no_lane.py")


def test_files_that_share_a_farm_are_one_group_and_come_first() -> None:
    jobs, tasks = "tests/browser/test_jobs.py::test_a[1]", "tests/browser/test_tasks.py::test_b"
    alone = "tests/domain/test_frames.py::test_c"

    assert group_of(jobs) == group_of(tasks) == "tests/browser/"
    assert group_of(alone) == "tests/domain/test_frames.py"
    assert rank_of(jobs) < rank_of(alone)


def test_a_folder_with_a_farm_for_all_its_files_is_a_package(root: Path) -> None:
    """Else pytest keeps fixtures of a package's scope until the very end."""
    conftests = [*(root / "tests").rglob("conftest.py")]

    sharing = [each for each in conftests if 'scope="package"' in each.read_text()]

    assert sharing
    assert [each for each in sharing if not each.with_name("__init__.py").exists()] == []


def test_make_and_the_bare_machine_run_the_same(root: Path) -> None:
    makefile, script = (root / "Makefile").read_text(), (root / ".ci" / "run").read_text()
    recipe = makefile.split("\ntest:", 1)[1].split("\n\n", 1)[0]

    made = recipe.splitlines()[-1].removeprefix("\t$(BIN)/").removesuffix(" $(ARGS)")
    run = script.splitlines()[-1].removeprefix("exec .venv/bin/").removesuffix(" </dev/null")

    assert made == run == "python -m pytest -n auto"
