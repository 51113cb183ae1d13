"""A page of another site, open in a browser that reaches the farm, commands nothing."""

import http.server
import threading
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.chromium import TIMEOUT_MS
from tests.browser.farm import BrowsedFarm

WORKERS = "/api/v3/worker-mgt/workers"
#: Requests that a browser sends to another site without asking that site before.
SEND = """
async ([url, body]) => {
    const headers = body === null ? {} : { "content-type": "text/plain" }
    const request = { method: "POST", mode: "no-cors", headers, body }
    try { return (await fetch(url, request)).type } catch { return "failed" }
}
"""
POST_FORM = """
(url) => {
    const form = document.body.appendChild(document.createElement("form"))
    Object.assign(form, { method: "POST", action: url, enctype: "text/plain" })
    form.submit()
}
"""
OPEN_WEBSOCKET = """
(url) => new Promise((done) => {
    const socket = new WebSocket(url)
    socket.onopen = () => done("open")
    socket.onerror = () => done("refused")
})
"""


@pytest.fixture(scope="module")
def foreign_site() -> Iterator[str]:
    """Another program's pages on this machine."""

    class Blank(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Foreign</title><body></body>")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def foreign(browser: Browser, foreign_site: str) -> Iterator[Page]:
    """A page whose refused requests are no problems."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(foreign_site)
    yield page
    context.close()


def answers(page: Page) -> list[Response]:
    """All further answers that the page gets."""
    found: list[Response] = []
    # Playwright sets an attribute on its handlers, which a list's method cannot have.
    page.on("response", lambda answer: found.append(answer))
    return found


def status_of(farm: BrowsedFarm, job_id: str) -> str:
    return str(farm.http.get(f"/api/v3/jobs/{job_id}").json()["status"])


@pytest.mark.parametrize(
    "path", ["workers/{worker}/pause", "workers/{worker}/resume", "jobs/{job}/archive"]
)
@pytest.mark.parametrize("body", [None, "{}"])
def test_it_posts_nothing(foreign: Page, farm: BrowsedFarm, path: str, body: str | None) -> None:
    job_id = farm.standing["active"]
    [worker, *_] = [each["id"] for each in farm.http.get(WORKERS).json()["workers"]]
    found = answers(foreign)

    foreign.evaluate(
        SEND, [f"{farm.url}/api/tablao/v1/{path.format(job=job_id, worker=worker)}", body]
    )

    assert [answer.status for answer in found] == [403]
    assert status_of(farm, job_id) == "active"


def test_its_forms_post_nothing(foreign: Page, farm: BrowsedFarm) -> None:
    job_id = farm.standing["active"]

    with foreign.expect_response(f"{farm.url}/**") as answer:
        foreign.evaluate(POST_FORM, f"{farm.url}/api/tablao/v1/jobs/{job_id}/archive")

    assert answer.value.status == 403
    assert status_of(farm, job_id) == "active"


@pytest.mark.parametrize(
    "path", ["/api/tablao/v1/events", "/socket.io/", "/api/tablao/v1/temporal"]
)
def test_it_opens_no_websocket(foreign: Page, farm: BrowsedFarm, path: str) -> None:
    url = farm.url.replace("http", "ws", 1) + path

    assert foreign.evaluate(OPEN_WEBSOCKET, url) == "refused"


def test_a_foreign_name_of_this_machine_is_refused(browser: Browser, farm: BrowsedFarm) -> None:
    """As after DNS rebinding: the page is of the same origin, and its name leads here."""
    # The attacker's own page was loaded before, with no policy.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    job_id = farm.standing["active"]
    # Chromium takes all names below localhost for this machine.
    page.goto(f"http://rebound.localhost:{farm.port}/app/icon.svg")
    found = answers(page)

    page.evaluate(SEND, [f"/api/tablao/v1/jobs/{job_id}/archive", None])
    read = page.evaluate(f"fetch('/api/v3/jobs/{job_id}').then((answer) => answer.status)")
    context.close()

    assert read == 403
    assert {answer.status for answer in found} == {403}
    assert status_of(farm, job_id) == "active"


def test_it_reaches_no_workflow(foreign: Page, farm: BrowsedFarm) -> None:
    """The embedded Temporal listens on ports of this machine, with an HTTP API on one of them."""
    listening = psutil.Process(farm.temporal_pid()).net_connections("tcp")
    ports = {each.laddr.port for each in listening if each.status == psutil.CONN_LISTEN}
    found = answers(foreign)

    for port in sorted(ports):
        path = "/api/v1/namespaces/default/workflows/farm/terminate"
        foreign.evaluate(SEND, [f"http://127.0.0.1:{port}{path}", "{}"])

    assert 403 in {answer.status for answer in found}
    assert all(answer.status >= 400 for answer in found)


def listening_of(pid: int) -> list[tuple[str, int]]:
    """The addresses at which a process and its children listen."""
    top = psutil.Process(pid)
    return [
        (each.laddr.ip, each.laddr.port)
        for process in [top, *top.children(recursive=True)]
        for each in process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    ]


def test_it_gets_no_answer_from_a_render_machine(foreign: Page, farm: BrowsedFarm) -> None:
    """A host opens one port, its end of the tunnel to Temporal, and its runs open none."""
    listening = {name: listening_of(host.pid) for name, host in farm.hosts.items()}
    answered = answers(foreign)
    calls = ("RespondActivityTaskCompleted", "PollActivityTaskQueue", "SignalWorkflowExecution")

    outcomes = []
    for ((_, port),) in listening.values():
        service = f"http://127.0.0.1:{port}/temporal.api.workflowservice.v1.WorkflowService"
        outcomes += [foreign.evaluate(SEND, [f"{service}/{call}", "{}"]) for call in calls]
        outcomes.append(foreign.evaluate(SEND, [f"http://127.0.0.1:{port}/", None]))
        outcomes.append(foreign.evaluate(OPEN_WEBSOCKET, f"ws://127.0.0.1:{port}/"))

    assert [[ip for ip, _ in each] for each in listening.values()] == [["127.0.0.1"]] * 3
    assert set(outcomes) == {"failed", "refused"}
    assert answered == []
    # The hosts go on as before.
    assert status_of(farm, farm.standing["active"]) == "active"
    workers = farm.http.get("/api/tablao/v1/workers").json()["workers"]
    assert all(each["is_connected"] for each in workers)
    farm.until_job_is(farm.submit_frames("1"), "completed", timeout_s=120)
