"""The farm below a path of a larger site, behind a real nginx with TLS: pages, hosts, commands."""

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from tests.browser.chromium import TIMEOUT_MS, Problems
from tests.browser.conftest import open_view
from tests.browser.test_foreign_pages import OPEN_WEBSOCKET, SEND, answers
from tests.farm.nginx import Nginx
from tests.farm.processes import SCALED, FarmProcesses, free_port, wait_until

SET_PRIORITY = """
(url) => {
    const headers = { "content-type": "application/json" }
    return fetch(url, { method: "POST", headers, body: '{"priority": 77}' }).then((a) => a.status)
}
"""


class Site:
    """A farm with a host that joined through nginx, and a job that the host has rendered."""

    def __init__(self, farm: FarmProcesses, nginx: Nginx) -> None:
        self.farm = farm
        self.url = nginx.url
        self.nginx = nginx
        self.trust = ssl.create_default_context(cafile=str(nginx.files.authority))
        self.job_id = ""
        self.token = ""
        """A wrangler's."""

    def render(self) -> None:
        asked = {"name": "ana", "uses": 1, "hours": 1}
        join = self.farm.http.post("/api/tablao/v1/join-tokens", json=asked).json()["secret"]
        self.farm.also_set(TABLAO_JOIN_TOKEN=join)
        account = {"name": "lola", "role": "wrangler", "password": "una contraseña larga"}
        made = self.farm.http.post("/api/tablao/v1/accounts", json=account).json()
        asked_scopes = {"name": "x", "scopes": ["read", "submit", "temporal"]}
        address = f"/api/tablao/v1/accounts/{made['id']}/tokens"
        self.token = self.farm.http.post(address, json=asked_scopes).json()["secret"]
        self.farm.start_host("ana", "--manager", self.url, "--pin", self.nginx.pin)
        wait_until(lambda: len(self.farm.awake()) == 1, 180)
        self.job_id = self.farm.submit_frames("1-2")
        self.farm.until_job_is(self.job_id, "completed", timeout_s=180)
        wait_until(lambda: self.get(f"/api/v3/jobs/{self.job_id}/last-rendered").content, 60)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.headers, verify=self.trust, timeout=60)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def log_in(self, page: Page) -> None:
        code = self.farm.http.post("/api/tablao/v1/login-links").json()["code"]
        page.goto(f"{self.url}/app/login#link={code}")
        expect(page).to_have_url(re.compile(re.escape(f"{self.url}/app/jobs")))

    def command(self, *arguments: str) -> str:
        """What `tablao` prints on a machine that knows the pin only."""
        command = [sys.executable, "-m", "manager_api.cli.main", "--pin", self.nginx.pin]
        done = subprocess.run(
            [*command, *arguments, "--manager", self.url],
            env={**os.environ, "TABLAO_TOKEN": self.token},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class PublicFarm(FarmProcesses):
    """Knows its public address."""

    def __init__(self, directory: Path, nginx_port: int) -> None:
        url = f"https://127.0.0.1:{nginx_port}/tablao/"
        super().__init__(directory, frame_s=0.2, settings={**SCALED, "TABLAO_PUBLIC_URL": url})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("nginx")
    manager_port = free_port()
    nginx = Nginx(directory, manager_port)
    farm = PublicFarm(directory / "farm", nginx.port)
    farm.move_to(manager_port)
    with farm, nginx:
        found = Site(farm, nginx)
        found.render()
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Chromium cannot be given an authority, so it is told not to mind."""
    context = browser.new_context(ignore_https_errors=True, color_scheme="light")
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()


def test_the_dashboard_lives_below_the_path(page: Page, problems: Problems, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("wss:", "https:", 1)))

    site.log_in(page)
    page.goto(site.url)
    expect(page).to_have_url(re.compile(re.escape(f"{site.url}/app/jobs")))
    open_view(page, site.url, f"/jobs/{site.job_id}")
    expect(page.get_by_role("heading", name="a job of a test")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="a job of a test")).to_be_visible()
    page.goto(f"{site.url}/app/last-rendered")
    image = page.locator("main img").first
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.naturalWidth") > 0
    page.goto(f"{site.url}/app/settings/about")
    explorer = page.get_by_role("link", name="API explorer")
    expect(explorer).to_have_attribute("href", "/tablao/api/v3/swagger-ui/")
    page.goto(f"{site.url}/api/v3/swagger-ui")
    expect(page.get_by_text("/api/v3/version").first).to_be_visible()

    elsewhere = [url for url in asked if not url.startswith((f"{site.url}/", "data:", "blob:"))]
    assert [url for url in elsewhere if url != site.url] == []
    assert any("/api/tablao/v1/events" in url for url in asked)
    problems.check()


def test_the_page_commands_the_farm(page: Page, site: Site) -> None:
    """The manager compares the page's origin with its public address."""
    site.log_in(page)
    open_view(page, site.url, "/jobs")

    status = page.evaluate(SET_PRIORITY, f"{site.url}/api/v3/jobs/{site.job_id}/setpriority")

    assert status == 204
    assert site.farm.job(site.job_id)["priority"] == 77


def test_a_foreign_page_does_not(browser: Browser, site: Site) -> None:
    # The manager's own address is another site than the public one. Its policy is not the test's.
    context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
    foreign = context.new_page()
    foreign.goto(f"{site.farm.url}/app/icon.svg")
    found = answers(foreign)

    foreign.evaluate(SEND, [f"{site.url}/api/tablao/v1/jobs/{site.job_id}/archive", None])
    opened = foreign.evaluate(OPEN_WEBSOCKET, f"{site.url}/api/tablao/v1/events")
    context.close()

    assert [answer.status for answer in found] == [403]
    assert opened == "refused"


def test_commands_reach_the_farm_by_its_pin(site: Site) -> None:
    jobs: list[dict[str, Any]] = json.loads(site.command("jobs", "--json"))
    [task, *_] = site.farm.tasks(site.job_id)

    log = site.command("task", "log", task["id"])

    assert site.job_id in [job["id"] for job in jobs]
    assert "Saved:" in log


def test_the_addon_that_is_downloaded_there_knows_the_public_address(site: Site) -> None:
    listing = site.get("/addon/index.json").json()

    assert listing["data"][0]["archive_url"] == f"{site.url}/tablao-addon.zip"


def test_nginx_may_take_the_path_away(site: Site, tmp_path: Path) -> None:
    with Nginx(tmp_path, site.farm.port, takes_path_away=True) as nginx:
        trust = ssl.create_default_context(cafile=str(nginx.files.authority))
        with httpx.Client(base_url=nginx.url, verify=trust, timeout=60) as http:
            page = http.get("/app/jobs")
            version = http.get("/api/v3/version")
            root = http.get("/")
        socket_url = nginx.url.replace("https:", "wss:", 1) + "/api/tablao/v1/events"
        with connect(socket_url, ssl=trust, additional_headers=site.headers) as socket:
            socket.ping().wait(60)

    assert '<base href="/tablao/app/"' in page.text
    assert version.json()["name"] == "Tablao"
    assert root.headers["location"] == "/tablao/app/"
