"""The page of versions: what a wrangler sees of an upgrade, live."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from manager_api.version import VERSION
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm

VERSIONS = "/api/tablao/v1/versions"
_SECRET = "s3cret"
#: Signs a worker on, by its name and what it says of its software.
SignOn = Callable[[str, str], None]


@pytest.fixture
def sign_on(farm: BrowsedFarm) -> Iterator[SignOn]:
    """Workers that only register and sign on; they are deleted afterwards."""
    ids: dict[str, str] = {}

    def sign_on(name: str, software: str) -> None:
        facts = {"name": name, "supported_task_types": ["none"]}
        if name not in ids:
            asked = facts | {"secret": _SECRET, "platform": "linux"}
            answer = farm.http.post("/api/v3/worker/register-worker", json=asked)
            ids[name] = answer.json()["uuid"]
        answer = httpx.post(
            f"{farm.url}/api/v3/worker/sign-on",
            json=facts | {"software_version": software},
            auth=(ids[name], _SECRET),
        )
        assert answer.status_code == 200, answer.text

    yield sign_on
    for worker_id in ids.values():
        farm.http.delete(f"/api/v3/worker-mgt/workers/{worker_id}")


def test_each_part_of_the_farm_has_its_version(at: At, farm: BrowsedFarm) -> None:
    page = at("/settings/versions")

    parts = page.get_by_role("region", name="Farm")
    expect(parts).to_contain_text(f"Manager{VERSION}on ")
    expect(parts).to_contain_text("own, upgraded with it")
    expect(parts).not_to_contain_text("does not answer")
    expect(parts).to_contain_text("SQLite, migration 00")
    expect(page.get_by_role("list", name=f"Workers with {VERSION}")).to_contain_text("anita")
    assert farm.http.get(VERSIONS).json()["temporal"].startswith("1.")


def test_an_older_worker_is_marked_until_it_signs_on_with_the_managers_version(
    at: At, sign_on: SignOn
) -> None:
    page = at("/settings/versions")
    expect(page.get_by_text(re.compile("^All .* version.$"))).to_be_visible()

    sign_on("rocío", "Tablao 0.0.9")

    expect(page.get_by_role("list", name="Workers with 0.0.9")).to_contain_text("rocío")
    workers = page.get_by_role("region", name="Workers")
    expect(workers).to_contain_text("1 is older than the manager.")
    expect(workers.get_by_text("older than the manager", exact=True)).to_be_visible()
    expect(workers).to_contain_text("install the manager's version by hand")
    sign_on("rocío", f"Tablao {VERSION}")
    expect(page.get_by_role("list", name="Workers with 0.0.9")).to_be_hidden()
    expect(page.get_by_role("list", name=f"Workers with {VERSION}")).to_contain_text("rocío")


def test_newer_stock_and_strange_workers_say_so(at: At, sign_on: SignOn) -> None:
    sign_on("newer", "Tablao 99.1")
    sign_on("stock", "3.5")
    sign_on("strange", "<b>olé</b> " * 20)

    page = at("/settings/versions")

    workers = page.get_by_role("region", name="Workers")
    expect(workers).to_contain_text("upgrade the manager, or install its version on")
    expect(page.get_by_role("list", name="Workers with Flamenco 3.5")).to_have_text("stock")
    expect(workers.get_by_text("not known", exact=True)).to_be_visible()
    expect(workers).to_contain_text("<b>olé</b>")


def test_older_workers_are_upgraded_by_a_button_and_say_how_far_they_are(
    at: At, farm: BrowsedFarm, page: Page
) -> None:
    found = farm.http.get(VERSIONS).json()
    worker = found["workers"][0]["workers"][0]
    names = ("able", "offline", "unable")
    older = {
        name: worker | {"id": f"{name}-1", "name": name, "can_upgrade": True} for name in names
    }
    older["offline"]["status"], older["unable"]["can_upgrade"] = "offline", False
    group = {"version": "0.0.9", "standing": "older", "advice": "", "workers": [*older.values()]}
    ordered: list[str] = []

    def order(route: Route) -> None:
        ordered.append(route.request.url)
        reason = "The disk is full."
        older["able"]["upgrade"] = {"version": VERSION, "state": "failed", "reason": reason}
        route.fulfill(status=204)

    page.route(f"**{VERSIONS}", lambda route: route.fulfill(json=found | {"workers": [group]}))
    page.route("**/upgrade", order)
    at("/settings/versions")

    page.get_by_role("button", name="Upgrade 1 worker").click()

    expect(page.get_by_text(re.compile("^able installs the manager.s version"))).to_be_visible()
    told = page.get_by_role("list", name="Upgrades from 0.0.9")
    expect(told).to_contain_text(f"able: the upgrade to {VERSION} failed. The disk is full.")
    assert [url.rpartition("/workers/")[2] for url in ordered] == ["able-1/upgrade"]


def test_a_worker_leads_to_its_details(at: At) -> None:
    page = at("/settings/versions")

    page.get_by_role("link", name="anita").click()

    expect(page.get_by_role("heading", name="anita")).to_be_visible()


def test_other_managers_and_a_database_that_is_newer_are_told(
    at: At, farm: BrowsedFarm, page: Page
) -> None:
    found = farm.http.get(VERSIONS).json()
    advice = "Newer than this manager. Upgrade this manager."
    other = found["managers"][0] | {"is_this": False, "name": "cádiz", "version": "99.1"}
    managers = [*found["managers"], other | {"standing": "newer", "advice": advice}]
    database = {"kind": "PostgreSQL", "migration": "9999", "newest_migration": "0022"}
    told = found | {"managers": managers, "database": database, "temporal": ""}
    page.route(f"**{VERSIONS}", lambda route: route.fulfill(json=told))

    at("/settings/versions")

    parts = page.get_by_role("region", name="Farm")
    expect(parts).to_contain_text("on cádiz")
    expect(parts).to_contain_text(advice)
    expect(parts).to_contain_text("does not answer")
    expect(parts).to_contain_text("migration 9999, by a newer manager; this one knows 0022")


def test_many_workers_of_one_version_are_shown_when_asked_for(
    at: At, farm: BrowsedFarm, page: Page
) -> None:
    found = farm.http.get(VERSIONS).json()
    worker = found["workers"][0]["workers"][0]
    many = [worker | {"id": f"{n}", "name": f"node-{n:03}"} for n in range(200)]
    told = found | {"workers": [found["workers"][0] | {"workers": many}]}
    page.route(f"**{VERSIONS}", lambda route: route.fulfill(json=told))
    at("/settings/versions")
    expect(page.get_by_text("node-011")).to_be_visible()
    expect(page.get_by_text("node-012")).to_be_hidden()

    page.get_by_role("button", name="188 more").click()

    expect(page.get_by_text("node-199")).to_be_visible()
