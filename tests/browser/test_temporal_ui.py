"""Temporal's own Web UI, served by the manager to those who may reach Temporal."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Problems
from tests.browser.farm import BrowsedFarm
from tests.browser.test_login import API, PASSWORD

#: The UI's own: it asks for a part of Temporal that the embedded one does not have.
THE_UIS_OWN = ("/temporal/api/v1/.* (404|501)$", "status of (404|501)")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedFarm]:
    directory = tmp_path_factory.mktemp("temporal-ui") / "farm"
    with BrowsedFarm(directory, TABLAO_LOOPBACK="token", TABLAO_TEMPORAL_UI="true") as farm:
        for name, role in (("arno", "artist"), ("wanda", "wrangler")):
            asked = {"name": name, "role": role, "password": PASSWORD}
            assert farm.http.post(f"{API}/accounts", json=asked).status_code == 201
        yield farm


@pytest.fixture(scope="module")
def job(farm: BrowsedFarm) -> str:
    return farm.submit_frames("1-3", name="a job to look at")


def log_in_as(page: Page, farm: BrowsedFarm, name: str) -> None:
    answer = page.context.request.post(
        f"{farm.url}{API}/login", data={"name": name, "password": PASSWORD}
    )
    assert answer.ok, answer.text()


def test_a_wrangler_opens_a_jobs_workflow(
    page: Page, farm: BrowsedFarm, job: str, problems: Problems
) -> None:
    problems.allow(*THE_UIS_OWN)
    log_in_as(page, farm, "wanda")
    page.goto(f"{farm.url}/app/settings/about")
    expect(page.get_by_role("link", name="Temporal's own page")).to_be_visible()
    page.goto(f"{farm.url}/app/jobs/{job}")
    link = page.get_by_role("link", name="Open in Temporal")
    expect(link).to_have_attribute("href", re.compile(f"^/temporal/.*/workflows/job-{job}$"))

    with page.context.expect_page() as opened:
        link.click()
    workflow = opened.value

    expect(workflow.get_by_text(f"job-{job}").first).to_be_visible()
    expect(workflow.get_by_text("Running", exact=True).first).to_be_visible()
    assert workflow.url.startswith(f"{farm.url}/temporal/")
    actions = {
        each["action"]: each["name"] for each in farm.http.get(f"{API}/audit").json()["entries"]
    }
    assert actions.get("openTemporalUi", "wanda") == "wanda"


def test_a_wrangler_ends_a_workflow_there(
    page: Page, farm: BrowsedFarm, problems: Problems
) -> None:
    problems.allow(*THE_UIS_OWN)
    other = farm.submit_frames("1-3", name="a job to end")
    log_in_as(page, farm, "wanda")
    page.goto(f"{farm.url}/temporal/namespaces/default/workflows/job-{other}")

    page.get_by_role("button", name="Request Cancellation").click()
    with page.expect_response("**/cancel*") as asked:
        page.get_by_role("button", name="Confirm", exact=True).click()

    assert asked.value.ok, asked.value.text()
    entries = farm.http.get(f"{API}/audit?action=useTemporalUi").json()["entries"]
    assert [(each["name"], each["outcome"]) for each in entries] == [("wanda", "done")]
    assert entries[0]["target"].endswith(f"workflows/job-{other}/cancel")


def test_an_artist_gets_neither_the_link_nor_the_page(
    page: Page, farm: BrowsedFarm, job: str, problems: Problems
) -> None:
    problems.allow(" 403$", "status of 403")
    log_in_as(page, farm, "arno")
    page.goto(f"{farm.url}/app/jobs/{job}")
    expect(page.get_by_text("simple-blender-render").first).to_be_visible()

    expect(page.get_by_role("link", name="Open in Temporal")).to_have_count(0)
    answer = page.goto(f"{farm.url}/temporal/namespaces/default/workflows/job-{job}")

    assert answer is not None
    assert answer.status == 403
