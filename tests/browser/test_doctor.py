"""The doctors' findings in the dashboard: of the farm, and of a worker's machine on request."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm

DOCTOR = "/api/tablao/v1/doctor"
#: A real look at a machine, beside other tests.
LOOK_MS = 120_000


def test_the_farms_findings_are_shown_the_worst_first(at: At, page: Page) -> None:
    def check(id_: str, state: str, advice: str = "") -> dict[str, str]:
        return {"id": id_, "state": state, "sentence": f"So it is with {id_}.", "advice": advice}

    rounds = [
        [
            check("temporal", "fine"),
            check("storage.space", "to-look-at", "Free some space."),
            check("storage", "broken", "Mount it."),
        ],
        [check("temporal", "fine"), check("storage", "fine")],
    ]

    def answer(route: Route) -> None:
        state = "broken" if len(rounds) == 2 else "fine"
        route.fulfill(json={"state": state, "version": "1.0", "checks": rounds.pop(0)})

    page.route(f"**{DOCTOR}", answer)
    at("/settings/doctor")

    expect(page.get_by_text("1 broken, 1 to look at, 1 fine.")).to_be_visible()
    needing = page.get_by_role("list", name="What needs a person").get_by_role("listitem")
    expect(needing).to_have_count(2)
    expect(needing.first).to_contain_text("storageSo it is with storage.Mount it.")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("All 2 checks are fine.")).to_be_visible()
    expect(page.get_by_role("list", name="What needs a person")).to_have_count(0)


def test_a_real_round_ends_and_names_each_check(at: At, page: Page, farm: BrowsedFarm) -> None:
    at("/settings/doctor")

    shown = page.get_by_role("region", name="Farm")
    expect(shown).to_be_visible(timeout=LOOK_MS)
    shown.get_by_text(re.compile(r"^\d+ fine$")).click()
    ids = [each["id"] for each in farm.http.get(DOCTOR, timeout=60).json()["checks"]]
    expect(shown.locator("code")).to_have_count(len(ids))


def test_a_machine_is_looked_at_when_a_person_asks(at: At, page: Page, farm: BrowsedFarm) -> None:
    anita = farm.worker("anita")
    at(f"/workers/{anita['id']}")
    doctor = page.get_by_role("region", name="Doctor")

    doctor.get_by_role("button", name="Look at this machine").click()

    expect(doctor).to_contain_text("Asked ")
    # The stand-in for Blender renders no frame where the doctor looks for one.
    needing = doctor.get_by_role("list", name="What needs a person")
    expect(needing).to_contain_text("blender.frame", timeout=LOOK_MS)
    expect(doctor.get_by_text(re.compile("^Found "))).to_be_visible()
    expect(doctor.get_by_role("button", name="Look again")).to_be_enabled()
