"""A worker that speaks Flamenco's protocol and knows nothing else of the farm.

Written from what Flamenco's workers are seen to do: register, sign on, tell their status, ask for
tasks, tell how they go, ask whether they may go on, sleep, sign off. Only its pauses are shorter.
"""

import os
import shlex
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

SECRET = "soleá" * 6
TASK_TYPES = ("blender", "ffmpeg", "file-management", "misc")
#: Of a stock worker, after an error: a minute.
PAUSE_S = 0.2
ASK_EVERY_S = 0.3

Task = Mapping[str, Any]
T = TypeVar("T")


class HttpWorkerClient:
    """Flamenco's calls, one method each."""

    def __init__(self, url: str, name: str, task_types: tuple[str, ...] = TASK_TYPES) -> None:
        self.name = name
        self.id = ""
        self._types = list(task_types)
        self._http = httpx.Client(base_url=f"{url}/api/v3/worker", timeout=60.0)

    def register(self) -> None:
        body = {
            "name": self.name,
            "secret": SECRET,
            "platform": "linux",
            "supported_task_types": self._types,
        }
        answer = self._http.post("/register-worker", json=body)
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["uuid"]
        self._http.auth = httpx.BasicAuth(self.id, SECRET)

    def sign_on(self) -> str:
        """Returns what the worker is to become."""
        body = {
            "name": self.name,
            "supported_task_types": self._types,
            "software_version": "3.8.5",
            "can_restart": False,
        }
        answer = self._http.post("/sign-on", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status_requested"])

    def state(self) -> str:
        """What it is to become; empty if it is to stay what it is."""
        answer = self._http.get("/state")
        assert answer.status_code in (200, 204), answer.text
        return str(answer.json()["status_requested"]) if answer.status_code == 200 else ""

    def state_changed(self, status: str) -> None:
        assert self._http.post("/state-changed", json={"status": status}).status_code == 204

    def sign_off(self) -> None:
        assert self._http.post("/sign-off").status_code == 204

    def ask_for_task(self, patience_s: float = 60.0) -> httpx.Response:
        """Raises ReadTimeout when it hangs up before there is an answer."""
        return self._http.post("/task", timeout=patience_s)

    def update(self, task_id: str, **said: Any) -> int:
        return self._http.post(f"/task/{task_id}", json=said).status_code

    def may_i_run(self, task_id: str) -> dict[str, Any]:
        answer = self._http.get(f"/task/{task_id}/may-i-run")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def output_produced(self, task_id: str, image: bytes, media_type: str = "image/png") -> int:
        headers = {"Content-Type": media_type}
        answer = self._http.post(f"/task/{task_id}/output-produced", content=image, headers=headers)
        return answer.status_code

    def close(self) -> None:
        self._http.close()


class HttpWorker:
    """Such a worker at work, in a thread: `with HttpWorker(client, environment): …`.

    Args:
        environment: of the programs that it runs.
    """

    def __init__(self, client: HttpWorkerClient, environment: Mapping[str, str]) -> None:
        self.client = client
        self.done: list[str] = []
        """Tasks that it has reported as completed, in order."""
        self.aborted: list[str] = []
        self.uploads: list[int] = []
        self.failure: BaseException | None = None
        self._environment = os.environ | environment
        self._unsaid: deque[tuple[str, dict[str, Any]]] = deque()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=client.name)

    def __enter__(self) -> "HttpWorker":
        self.client.register()
        self.client.sign_on()
        self.client.state_changed("awake")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._is_over.set()
            self._thread.join(120)
            _patiently(self.client.sign_off)

    def _guarded(self) -> None:
        try:
            while not self._is_over.is_set():
                self._turn()
        except BaseException as failure:  # told by the test that looks at it
            self.failure = failure
            raise

    def _turn(self) -> None:
        self._flush()
        try:
            answer = self.client.ask_for_task()
        except httpx.TransportError:
            self._is_over.wait(PAUSE_S)
            return
        if answer.status_code == 200:
            self._run(answer.json())
        elif answer.status_code == 423:
            self._become(answer.json()["status_requested"])
        else:
            self._is_over.wait(PAUSE_S)

    def _become(self, status: str) -> None:
        while True:
            _patiently(self.client.state_changed, status)
            if status == "awake":
                return
            while not (requested := _patiently(self.client.state)):
                if self._is_over.wait(PAUSE_S):
                    return
            status = requested

    # --- a task -----------------------------------------------------------------------------------

    def _run(self, task: Task) -> None:
        self._say(task, taskStatus="active", activity="Started")
        for step, command in enumerate(task["commands"], 1):
            code = self._execute(task, command)
            if code is None:
                self.aborted.append(task["uuid"])
                return
            if code:
                text = f"Failed: {command['name']} ended with {code}"
                self._say(task, taskStatus="failed", activity=text, log=text)
                return
            self._say(task, activity="Progress", steps_completed=step)
        self._say(task, taskStatus="completed", activity="Completed")
        self.done.append(task["uuid"])

    def _execute(self, task: Task, command: Mapping[str, Any]) -> int | None:
        """The exit code; None if it was not to go on."""
        program = subprocess.Popen(
            _arguments(command),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        next_question = time.monotonic() + ASK_EVERY_S
        while program.poll() is None:
            if time.monotonic() >= next_question or self._is_over.is_set():
                next_question = time.monotonic() + ASK_EVERY_S
                if self._is_over.is_set() or not self._may_go_on(task):
                    program.kill()
                    program.communicate()
                    return None
            time.sleep(0.02)  # its own clock: a program that runs is looked at now and then
        output, _ = program.communicate()
        self._say(task, log=output)
        self._show(task, output)
        return program.returncode

    def _may_go_on(self, task: Task) -> bool:
        try:
            return bool(self.client.may_i_run(task["uuid"])["mayKeepRunning"])
        except httpx.TransportError:
            return True  # whoever cannot ask goes on

    def _show(self, task: Task, output: str) -> None:
        saved = [line.split("'")[1] for line in output.splitlines() if line.startswith("Saved:")]
        for path in saved:
            try:
                code = self.client.output_produced(task["uuid"], Path(path).read_bytes())
            except httpx.TransportError:
                continue  # images are not kept for later
            self.uploads.append(code)

    # --- saying -----------------------------------------------------------------------------------

    def _say(self, task: Task, **said: Any) -> None:
        self._unsaid.append((task["uuid"], said))
        self._flush()

    def _flush(self) -> None:
        """In order; what cannot be said now is kept. An answer ends it, whatever it is."""
        while self._unsaid:
            task_id, said = self._unsaid[0]
            try:
                self.client.update(task_id, **said)
            except httpx.TransportError:
                return
            self._unsaid.popleft()


def _patiently(call: Callable[..., T], *arguments: str) -> T:
    """Until there is an answer."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return call(*arguments)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)  # a stock worker waits, too


def _arguments(command: Mapping[str, Any]) -> list[str]:
    parameters = command["parameters"]
    match command["name"]:
        case "blender-render":
            return [
                parameters["exe"],
                *shlex.split(parameters.get("exeArgs", "")),
                *parameters.get("argsBefore", []),
                parameters["blendfile"],
                *parameters["args"],
            ]
        case "exec":
            return [parameters["exe"], *parameters["args"]]
        case "echo":
            return ["echo", parameters["message"]]
        case "sleep":
            return ["sleep", str(parameters["duration_in_seconds"])]
    raise AssertionError(f"a command that the test did not expect: {command}")
