"""The studio's own login: a real OpenID provider, in a real browser.

The farm is at 127.0.0.1 and the provider at localhost, which are two sites to the browser.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, expect

from addon.core.handover import Handover
from addon.core.manager import Manager
from tests.browser.accessibility import violations
from tests.browser.chromium import TIMEOUT_MS, Problems
from tests.browser.farm import BrowsedFarm
from tests.browser.login_provider import SECRET, LoginProvider
from tests.browser.test_behind_nginx import PublicFarm
from tests.browser.test_login import LOGIN_ENDED
from tests.browser.views import settled
from tests.farm.nginx import Nginx
from tests.farm.processes import free_port

GROUPS = {"lola": ["artists"], "tina": ["tds", "artists"], "nora": ["accounting"]}
BUTTON = "Log in with Tablao Studio"
API = "/api/tablao/v1"
#: The provider's pages take a font from elsewhere, and the browser asks for its icon.
OF_PROVIDER = (r"googleapis", r"favicon")


class Studio:
    """A farm, and the provider that it trusts."""

    def __init__(self, farm: BrowsedFarm, provider: LoginProvider) -> None:
        self.farm = farm
        self.provider = provider
        self.url = farm.url


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    directory = tmp_path_factory.mktemp("oidc")
    farm = BrowsedFarm(directory / "farm", TABLAO_LOOPBACK="token")
    provider = LoginProvider(directory, farm.url, GROUPS)
    farm.also_set(**provider.settings)
    # The manager starts first: it does not need the provider for that.
    with farm, provider:
        yield Studio(farm, provider)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="light", ignore_https_errors=True
    )
    context.set_default_timeout(TIMEOUT_MS)
    context.route(re.compile("googleapis"), lambda route: route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def _allowed(problems: Problems) -> None:
    problems.allow(*OF_PROVIDER)


def go_to_provider(page: Page, url: str, to: str = "") -> None:
    page.goto(f"{url}/app/login{to}")
    page.get_by_role("link", name=BUTTON).click()


def prove(page: Page, name: str) -> None:
    """Log in at the provider, and agree that the farm is told of it."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def is_live(page: Page) -> None:
    expect(page.get_by_role("banner").get_by_role("status")).to_contain_text("farm")


def log_out_at_provider(page: Page) -> None:
    page.get_by_role("button", name="Yes, sign me out").click()


def test_a_person_logs_in_works_and_logs_out_in_both_places(
    page: Page, studio: Studio, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    page.goto(f"{studio.url}/app/workers?sort=-name")
    page.wait_for_url(re.compile(r"/app/login\?to="))
    page.get_by_role("link", name=BUTTON).click()
    prove(page, "lola")

    page.wait_for_url(f"{studio.url}/app/workers?sort=-name")
    is_live(page)
    menu = page.get_by_role("banner").get_by_label("lola artist")
    menu.click()
    page.get_by_role("link", name="My account").click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    expect(page.get_by_role("heading", name="Password")).not_to_be_attached()
    menu.click()
    page.get_by_role("button", name="Log out").click()
    log_out_at_provider(page)

    page.wait_for_url(f"{studio.url}/app/login")
    # The provider has forgotten the person, too: it asks again.
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_placeholder("and password")).to_be_visible()


def test_a_logout_at_the_provider_closes_the_open_page(
    page: Page, studio: Studio, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    go_to_provider(page, studio.url, "?to=/last-rendered")
    prove(page, "tina")
    page.wait_for_url("**/app/last-rendered")
    is_live(page)
    expect(page.get_by_role("banner").get_by_label("tina admin")).to_be_visible()

    elsewhere = page.context.new_page()
    elsewhere.goto(f"{studio.provider.issuer}/session/end")
    log_out_at_provider(elsewhere)

    # The user of the page does nothing.
    page.wait_for_url(f"{studio.url}/app/login?to=/last-rendered")
    ended = studio.farm.http.get(f"{API}/audit", params={"action": "logOutByProvider"}).json()
    assert (ended["entries"][0]["name"], ended["entries"][0]["outcome"]) == ("tina", "done")


def test_a_person_without_a_role_is_told_so(page: Page, studio: Studio) -> None:
    go_to_provider(page, studio.url)
    prove(page, "nora")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("none of your groups has a role on this farm")
    expect(page.get_by_label("Password")).to_be_visible()
    accounts = studio.farm.http.get(f"{API}/accounts").json()["accounts"]
    assert "nora" not in [each["name"] for each in accounts]


def test_who_turns_back_at_the_provider_is_told_so(page: Page, studio: Studio) -> None:
    go_to_provider(page, studio.url)
    page.get_by_role("link", name="[ Cancel ]").click()

    expect(page.get_by_role("alert")).to_contain_text("login has refused.")


def test_access_for_blender_is_given_by_the_studios_login(page: Page, studio: Studio) -> None:
    handover = Handover(Manager(studio.url))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(handover.wait, patience_s=180)
        page.goto(handover.page)
        page.get_by_role("link", name=BUTTON).click()
        prove(page, "lola")
        expect(page.get_by_text("Blender on ")).to_be_visible()
        page.get_by_role("button", name="Give access").click()
        expect(page.get_by_text("Blender has access. You can close this page.")).to_be_visible()
        token = waiting.result()

    assert Manager(studio.url, token).get(f"{API}/me")["name"] == "lola"


def test_an_administrator_sees_who_comes_from_the_studio(page: Page, studio: Studio) -> None:
    go_to_provider(page, studio.url, "?to=/settings/users")
    prove(page, "tina")

    card = page.get_by_role("list", name="Users").get_by_role("listitem").filter(has_text="tina")
    expect(card).to_contain_text(re.compile("studio.s login"))
    expect(card.get_by_label("Role of tina")).to_be_disabled()
    card.get_by_role("button", name="More about tina").click()
    expect(card.get_by_label("New password of tina")).not_to_be_attached()
    page.goto(f"{studio.url}/app/settings/general")
    expect(page.get_by_label("oidc.issuer")).to_have_value(studio.provider.issuer)
    expect(page.get_by_label("oidc.client_secret")).to_have_value("***")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_the_login_page_with_the_button_is_accessible(
    page: Page, studio: Studio, theme: str, width: int
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{studio.url}/app/login?refused=no-role")
    expect(page.get_by_role("link", name=BUTTON)).to_be_visible()
    settled(page)

    assert violations(page) == []


def test_the_log_has_neither_codes_nor_secrets(page: Page, studio: Studio) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    go_to_provider(page, studio.url)
    prove(page, "lola")
    page.wait_for_url("**/app/jobs")

    log = (studio.farm.directory / "manager.log").read_text()
    [callback] = [url for url in asked if "/login/oidc/callback?" in url]
    code, state = (re.findall(rf"[?&]{name}=([^&]+)", callback)[0] for name in ("code", "state"))
    assert [word for word in (code, state, SECRET) if word in log] == []


# --- below a path of a larger site ----------------------------------------------------------------


class Site:
    """A farm below a path, behind nginx with TLS."""

    def __init__(self, farm: PublicFarm, nginx: Nginx, provider: LoginProvider) -> None:
        self.farm = farm
        self.url = nginx.url
        self.provider = provider


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("oidc-site")
    manager_port = free_port()
    nginx = Nginx(directory, manager_port)
    farm = PublicFarm(directory / "farm", nginx.port)
    farm.move_to(manager_port)
    provider = LoginProvider(directory, nginx.url, GROUPS, nginx.files.authority)
    farm.also_set(**provider.settings)
    with farm, nginx, provider:
        yield Site(farm, nginx, provider)


def test_the_whole_way_works_below_a_path_behind_nginx(
    page: Page, site: Site, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    go_to_provider(page, site.url, "?to=/workers")
    begun = {each["name"]: each for each in page.context.cookies(site.url)}
    prove(page, "lola")
    page.wait_for_url(f"{site.url}/app/workers")
    is_live(page)
    kept = {each["name"]: each for each in page.context.cookies(site.url)}

    page.get_by_role("banner").get_by_label("lola artist").click()
    page.get_by_role("button", name="Log out").click()
    log_out_at_provider(page)
    page.wait_for_url(f"{site.url}/app/login")

    assert begun["__Secure-tablao-login"]["path"] == "/tablao"
    assert kept["__Secure-tablao-session"]["path"] == "/tablao"


def test_a_logout_at_the_provider_reaches_the_farm_below_a_path(
    page: Page, site: Site, problems: Problems
) -> None:
    problems.allow(*LOGIN_ENDED)
    go_to_provider(page, site.url, "?to=/workers")
    prove(page, "tina")
    page.wait_for_url(f"{site.url}/app/workers")
    is_live(page)

    elsewhere = page.context.new_page()
    elsewhere.goto(f"{site.provider.issuer}/session/end")
    log_out_at_provider(elsewhere)

    page.wait_for_url(f"{site.url}/app/login?to=/workers")
