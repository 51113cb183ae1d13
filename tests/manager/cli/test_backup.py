"""`tablao backup` and `tablao restore`: what they say, and their exit codes."""

import shutil
from pathlib import Path

import pytest

from tests.manager.backup.small_farm import SmallFarm, new_farm
from tests.manager.cli.fake_manager import Run


@pytest.fixture
def farm(tmp_path: Path, migrated_sqlite: Path) -> SmallFarm:
    return new_farm(tmp_path / "farm", lambda to: shutil.copy(migrated_sqlite, to))


def test_a_farm_is_backed_up_checked_and_restored(
    run: Run, farm: SmallFarm, tmp_path: Path
) -> None:
    file, new = str(tmp_path / "b"), str(tmp_path / "new")

    made = run("backup", file, "--data-dir", str(farm.data_dir))
    checked = run("restore", file, "--check")
    restored = run("restore", file, "--data-dir", new)

    assert (made.exit_code, checked.exit_code, restored.exit_code) == (0, 0, 0)
    assert "the manager's writes waited for 0 ms" in made.out
    assert f"Not in the backup: The shared storage {farm.data_dir}/storage" in made.err
    assert "It holds secrets" in made.err
    assert "is whole" in checked.out
    assert f"Restored to {new}" in restored.out
    assert f"tablao up --data-dir {new}" in restored.err


def test_replacing_says_where_the_old_folder_is_and_what_was_moved(
    run: Run, farm: SmallFarm, tmp_path: Path
) -> None:
    file = str(tmp_path / "b")
    run("backup", file, "--data-dir", str(farm.data_dir))

    refused = run("restore", file, "--data-dir", str(farm.data_dir))
    replaced = run("restore", file, "--data-dir", str(farm.data_dir), "--replace")

    assert refused.exit_code == 1
    assert "add --replace" in refused.err
    [kept] = tmp_path.glob("farm.before-restore-*")
    assert f"The old data directory is now {kept}." in replaced.out
    assert "Moved from there into the new one: storage." in replaced.err


def test_without_secrets_it_does_not_warn_of_them(
    run: Run, farm: SmallFarm, tmp_path: Path
) -> None:
    outcome = run(
        *("backup", str(tmp_path / "b"), "--data-dir", str(farm.data_dir)),
        *("--without-secrets", "--without-logs"),
    )

    assert "It holds secrets" not in outcome.err
    assert "Not in the backup: The setting smtp.password, a secret." in outcome.err
    assert "Not in the backup: Logs of tasks" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("backup", "farm/b"), "is in the data directory"),
        (("restore", "farm/tablao-manager.yaml"), "is no backup of a farm"),
        (("restore", "none"), "No such file"),
        (("restore", "farm/tablao-manager.yaml", "--check"), "cannot be restored"),
    ],
)
def test_a_refusal_is_a_sentence(
    run: Run, farm: SmallFarm, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    verb, file, *options = arguments

    outcome = run(verb, str(tmp_path / file), "--data-dir", str(farm.data_dir), *options)

    assert outcome.exit_code == 1
    assert sentence in outcome.err


def test_broken_settings_do_not_keep_a_restore_from_its_place(
    run: Run, farm: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, broken = str(tmp_path / "b"), tmp_path / "broken"
    run("backup", file, "--data-dir", str(farm.data_dir))
    broken.mkdir()
    (broken / "tablao-manager.yaml").write_text("listen: [")
    monkeypatch.setenv("TABLAO_DATA_DIR", str(broken))

    refused = run("restore", file, "--replace")
    replaced = run("restore", file, "--replace", "--data-dir", str(broken))

    assert (refused.exit_code, replaced.exit_code) == (1, 0)
    assert "name the folder with --data-dir" in refused.err
