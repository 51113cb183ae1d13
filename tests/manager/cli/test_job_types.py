"""`tablao job-types …`: no manager is there."""

import json
from pathlib import Path

from typer.testing import CliRunner

from manager_api.cli.main import app as tablao

SCRIPTS = Path(__file__).parents[1] / "job_types"


def test_all_job_types_of_a_folder_are_listed_with_their_source(tmp_path: Path) -> None:
    (tmp_path / "my_own.js").write_text("const JOB_TYPE = {label: 'Mine'}; function compileJob(){}")
    (tmp_path / "echo-sleep-test.py").write_text(
        "JOB_TYPE = {'label': 'Echo'}\ndef compile_job(job): pass\n"
    )
    (tmp_path / "broken.js").write_text("const JOB_TYPE = ;\n")

    result = CliRunner().invoke(tablao, ["job-types", "--folder", str(tmp_path), "--json"])

    rows = [(row["name"], row["source"], row["label"]) for row in json.loads(result.stdout)]
    assert rows == [
        ("broken", "broken.js", ""),
        ("echo-sleep-test", "echo-sleep-test.py", "Echo"),
        ("my-own", "my_own.js", "Mine"),
        ("simple-blender-render", "built in", "Simple Blender Render"),
    ]
    assert "(broken.js, line 1)" in json.loads(result.stdout)[0]["problem"]


def test_the_folder_is_that_of_the_managers_settings(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "mine.js").write_text("const JOB_TYPE = {}; function compileJob() {}")

    result = CliRunner().invoke(tablao, ["job-types", "--data-dir", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert "mine.js" in result.stdout


def test_a_check_shows_the_tasks_of_a_job() -> None:
    script = SCRIPTS / "scripts" / "build_stages.js"

    shown = CliRunner().invoke(tablao, ["job-types", "check", str(script), "--set", "shots=a,b"])
    as_json = CliRunner().invoke(
        tablao, ["job-types", "check", str(script), "--set", "shots=a,b", "--json"]
    )

    assert "build-stages: 4 tasks" in shown.stdout
    tasks = json.loads(as_json.stdout)["tasks"]
    assert [(task["name"], task["after"]) for task in tasks] == [
        ("pack", ["render a", "render b"]),
        ("bake", []),
        ("render a", ["bake"]),
        ("render b", ["bake"]),
    ]


def test_a_check_says_what_is_wrong(tmp_path: Path) -> None:
    stumbling = str(SCRIPTS / "scripts" / "stumbling.js")

    for arguments, sentence in (
        ([stumbling, "--set", "over=text"], "no frames are left (stumbling.js, line 9)"),
        ([stumbling], 'The setting "over" is missing.'),
        ([stumbling, "--set", "under=1"], "has no setting 'under'"),
        ([str(SCRIPTS / "scripts" / "syntax_error.js")], "(syntax_error.js, line 5)"),
        ([str(tmp_path / "none.js")], "There is no file"),
        ([__file__.replace("test_job_types.py", "conftest.py")], "it defines no JOB_TYPE"),
    ):
        result = CliRunner().invoke(tablao, ["job-types", "check", *arguments])

        assert result.exit_code == 1
        assert sentence in result.stderr
