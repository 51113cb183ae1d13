"""Settings: the form, variables, setting a farm up, job types, provisioned settings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chromium import Problems
from tests.browser.conftest import At
from tests.browser.farm import BrowsedFarm

REFUSED = (r"refused: PATCH .*configuration 400", r"status of 400")
CONFIGURATION = "/api/tablao/v1/configuration"


@pytest.fixture(autouse=True)
def as_before(farm: BrowsedFarm) -> Iterator[None]:
    """The farm is everybody's, and its Blender is one of its variables."""
    variables = farm.http.get(CONFIGURATION).json()["values"]["variables"]
    yield
    farm.http.patch(
        CONFIGURATION, json={"manager_name": None, "retention_days": None, "variables": variables}
    )


def _in_force(farm: BrowsedFarm, name: str) -> object:
    return farm.http.get(CONFIGURATION).json()["values"][name]


def test_a_setting_is_changed_and_in_force(at: At, farm: BrowsedFarm) -> None:
    page = at("/settings/general")

    page.get_by_label("manager_name").fill("Sevilla")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved, and in force.")).to_be_visible()
    assert _in_force(farm, "manager_name") == "Sevilla"


def test_a_wrong_value_is_told_beside_its_field(at: At, problems: Problems) -> None:
    problems.allow(*REFUSED)
    page = at("/settings/general")

    page.get_by_label("task_log_max_bytes").fill("12")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_label("task_log_max_bytes")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert").first).to_contain_text(re.compile("65.?536"))


def test_what_waits_for_a_restart_is_said(at: At) -> None:
    page = at("/settings/general")

    page.get_by_label("retention_days").fill("12")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("waits for a restart", exact=True)).to_be_visible()
    expect(page.get_by_text("Restart the manager to bring into force")).to_be_visible()


def test_what_the_environment_decides_cannot_be_edited(at: At) -> None:
    page = at("/settings/general")

    expect(page.get_by_label("blocklist_threshold")).to_be_disabled()
    expect(page.get_by_text("given by the environment").first).to_be_visible()


def test_settings_are_found_by_what_they_mean(at: At) -> None:
    page = at("/settings/general")

    page.get_by_label("Find a setting").fill("nobody anything")
    expect(page.get_by_text("No setting has this")).to_be_visible()
    page.get_by_label("Find a setting").fill("last-rendered images")

    expect(page.get_by_label("local_manager_storage_path")).to_be_visible()
    expect(page.get_by_label("retention_days")).to_be_hidden()


def test_leaving_with_changes_asks(at: At) -> None:
    page = at("/settings/general")
    page.get_by_label("manager_name").fill("Sevilla")

    page.get_by_role("link", name="About").click()
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_label("manager_name")).to_have_value("Sevilla")
    page.get_by_role("link", name="About").click()
    page.get_by_role("button", name="Leave", exact=True).click()

    expect(page.get_by_role("heading", name="About this farm")).to_be_visible()


def test_variables_keep_their_lists_of_platforms(at: At, farm: BrowsedFarm) -> None:
    shots = {
        "is_twoway": True,
        "values": [{"platforms": ["linux", "freebsd"], "value": "/shots", "audience": "all"}],
    }
    assert farm.http.patch(CONFIGURATION, json={"variables.shots": shots}).status_code == 200
    page = at("/settings/variables")
    card = page.get_by_role("region", name="Variable shots")

    card.get_by_role("button", name="+ Value").click()
    card.get_by_label("Value", exact=True).nth(1).fill("S:\\shots")
    row = card.get_by_role("group", name="Platforms").nth(1)
    row.get_by_role("button", name="linux").click()
    row.get_by_role("button", name="windows").click()
    card.get_by_label("For whom").nth(1).select_option("workers")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. New tasks get the new values.")).to_be_visible()
    values = farm.http.get(CONFIGURATION).json()["values"]["variables"]["shots"]["values"]
    assert values[0]["platforms"] == ["linux", "freebsd"]
    assert (values[1]["value"], values[1]["platform"]) == ("S:\\shots", "windows")
    assert values[1]["audience"] == "workers"


def test_a_variable_is_removed(at: At, farm: BrowsedFarm) -> None:
    farm.http.patch(CONFIGURATION, json={"variables.old": {"values": []}})
    page = at("/settings/variables")

    page.get_by_role("button", name="Remove old").click()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. New tasks get the new values.")).to_be_visible()
    assert "old" not in farm.http.get(CONFIGURATION).json()["values"]["variables"]


def test_storage_is_checked_with_a_sentence(at: At, tmp_path: Path) -> None:
    page = at("/settings/storage")
    path = page.get_by_label("A folder that the manager and all workers reach")

    path.fill(str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("This path does not exist.")).to_be_visible()
    path.fill(str(tmp_path))
    page.get_by_role("button", name="Check", exact=True).click()

    expect(page.get_by_text("✓ Directory checked successfully.")).to_be_visible()


def test_a_blender_is_checked_with_a_sentence(at: At, tmp_path: Path) -> None:
    page = at("/settings/storage")

    page.get_by_label("Path of another Blender").fill(str(tmp_path / "no-blender"))
    page.get_by_role("button", name="Check this one").click()

    found = page.get_by_role("list", name="Blender on the manager's machine")
    wrong = found.get_by_role("listitem").filter(has_text="no-blender")
    expect(wrong).to_be_visible()
    expect(wrong.get_by_role("button")).to_have_count(0)


def test_saving_blender_writes_only_the_platform_that_was_changed(
    at: At, farm: BrowsedFarm
) -> None:
    values: list[dict[str, object]] = [
        {"platforms": ["linux", "darwin"], "value": "/unix/blender", "audience": "all"},
        {"platform": "windows", "value": "B:\\blender.exe", "audience": "all"},
    ]
    before: dict[str, object] = {"is_twoway": False, "values": values}
    assert farm.http.patch(CONFIGURATION, json={"variables.blender": before}).status_code == 200
    storage = _in_force(farm, "shared_storage_path")
    page = at("/settings/storage")

    expect(page.get_by_label("Blender on Linux")).to_have_value("/unix/blender")
    expect(page.get_by_label("Blender on Windows")).to_have_value("B:\\blender.exe")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_label("Blender on macOS").fill("/mac/blender")
    # Another user changes another platform meanwhile.
    values[1]["value"] = "C:\\blender.exe"
    assert farm.http.patch(CONFIGURATION, json={"variables.blender": before}).status_code == 200
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. New tasks get the new values.")).to_be_visible()
    expect(page.get_by_label("Blender on Windows")).to_have_value("C:\\blender.exe")
    written = farm.http.get(CONFIGURATION).json()["values"]["variables"]["blender"]["values"]
    paths = {each.get("platform") or each["platforms"][0]: each["value"] for each in written}
    assert paths == {
        "linux": "/unix/blender",
        "windows": "C:\\blender.exe",
        "darwin": "/mac/blender",
    }
    assert _in_force(farm, "shared_storage_path") == storage


def test_variables_of_two_users_are_both_kept(at: At, farm: BrowsedFarm) -> None:
    page = at("/settings/variables")
    expect(page.get_by_role("region", name="Variable blender", exact=True)).to_be_visible()
    theirs = {"variables.theirs": {"values": [{"platform": "all", "value": "/theirs"}]}}
    assert farm.http.patch(CONFIGURATION, json=theirs).status_code == 200

    page.get_by_role("button", name="+ Variable").click()
    card = page.get_by_role("region", name=re.compile("^Variable")).last
    card.get_by_label("Name").fill("mine")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. New tasks get the new values.")).to_be_visible()
    names = farm.http.get(CONFIGURATION).json()["values"]["variables"]
    assert {"mine", "theirs"} <= set(names)


def test_a_new_farm_is_led_through_its_set_up(at: At, tmp_path: Path, page: Page) -> None:
    answer = {"storageLocation": "/farm", "shamanEnabled": False, "isFirstRun": True}
    saved: list[object] = []

    def save(route: Route) -> None:
        saved.append(route.request.post_data_json)
        route.fulfill(status=204)

    page.route("**/api/v3/configuration", lambda route: route.fulfill(json=answer))
    page.route("**/setup-assistant", save)
    at("/jobs")

    page.get_by_role("link", name="Set it up").click()
    page.get_by_label("A folder that").fill(str(tmp_path))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("✓ Directory checked successfully.")).to_be_visible()
    page.get_by_role("radio", name="whatever each worker has").check()
    answer["isFirstRun"] = False
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("The farm is set up.")).to_be_visible()
    expect(page.get_by_role("heading", name="Storage and Blender")).to_be_visible()
    expect(page.get_by_role("link", name="submit a job here")).to_be_visible()
    assert isinstance(saved[0], dict)
    assert saved[0]["storageLocation"] == str(tmp_path)


def test_the_hint_for_a_new_farm_can_be_put_away(at: At, page: Page) -> None:
    answer = {"storageLocation": "/farm", "shamanEnabled": False, "isFirstRun": True}
    page.route("**/api/v3/configuration", lambda route: route.fulfill(json=answer))
    at("/jobs")

    page.get_by_role("button", name="Later").click()

    expect(page.get_by_role("link", name="Set it up")).to_be_hidden()


def test_provisioned_settings_are_set_and_removed(at: At, farm: BrowsedFarm) -> None:
    page = at("/settings/provisions")
    page.get_by_role("button", name="Platform windows").click()

    page.get_by_role("button", name="Add to environment").click()
    environment = page.get_by_role("group", name="Environment")
    environment.get_by_label("Name").fill("OCIO")
    environment.get_by_label("Value").fill("S:\\ocio.config")
    page.get_by_label("Tasks at once").fill("2")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("button", name="Platform windows")).to_contain_text(
        "environment, slots"
    )
    address = "/api/tablao/v1/provisions/platform/windows"
    settings = farm.http.get(address).json()["settings"]
    assert settings == {"environment": {"OCIO": "S:\\ocio.config"}, "slots": 2}
    page.get_by_role("button", name="Platform windows").click()
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Platform windows")).not_to_contain_text("slots")
    assert farm.http.get(address).status_code == 404


def test_about_leads_to_the_api_and_to_no_temporal_that_is_not_served(at: At) -> None:
    page = at("/settings/about")

    expect(page.get_by_role("link", name="API explorer")).to_have_attribute(
        "href", "/api/v3/swagger-ui/"
    )
    expect(page.get_by_role("link", name="OpenAPI document")).to_be_visible()
    expect(page.get_by_role("link", name="Temporal's own page")).to_have_count(0)
