"""The farm's newest images: the newest of all, and that of each job."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm
from tests.farm.processes import wait_until


@pytest.fixture(scope="module")
def _has_image(farm: BrowsedFarm) -> None:
    """The completed job's last image is there, which a worker sends when it has a moment."""
    job = farm.standing["completed"]
    address = f"/api/v3/jobs/{job}/last-rendered"
    wait_until(lambda: farm.http.get(address).status_code == 200)


@pytest.mark.usefixtures("_has_image")
def test_the_image_of_each_job_leads_to_it(at: At, farm: BrowsedFarm) -> None:
    page = at("/last-rendered")

    link = page.get_by_role("main").get_by_role("link", name="sh010_0020 layout").last
    expect(page.get_by_role("main").get_by_role("img").first).to_be_visible()
    link.click()

    page.wait_for_url(f"**/jobs/{farm.standing['completed']}*")


@pytest.mark.usefixtures("_has_image")
def test_a_new_image_appears_by_itself(at: At, farm: BrowsedFarm) -> None:
    page = at("/last-rendered")
    newest = page.get_by_role("region", name="Last rendered")
    expect(newest.get_by_role("img").first).to_be_visible()

    job = farm.submit_frames("1-2", name="a new image")

    expect(newest.get_by_role("link", name="a new image", exact=True)).to_be_visible()
    image = newest.get_by_role("img", name="Last rendered image of a new image")
    expect(image).to_have_attribute("src", re.compile(job))
