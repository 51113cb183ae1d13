"""Thousands of requests that schemathesis makes of our own OpenAPI document.

    python -m tests.contract.fuzz --examples 100

No answer may be a server error, or one that the document does not describe.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.contract.contract_client import ContractClient
from tests.contract.scene import SECRET, Scene
from tests.farm.processes import FarmProcesses

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    exit_code: int
    cases: int
    said: str
    """What schemathesis wrote."""
    log: str
    """The manager's."""


def fuzz(directory: Path, examples: int) -> Verdict:
    """
    Args:
        examples: at most so many random requests for each operation, beside those that cover
            each of its parameters and fields.
    """
    farm = FarmProcesses(directory / "farm", settings={"TABLAO_HTTP_POLL_S": "0.2"})
    with farm:
        api = ContractClient(farm.url, farm.admin)
        scene = Scene(api, farm.data_dir / "storage")
        worker = scene.new_worker("fuzz", ["misc"])
        scene.new_job()
        api.close()
        process = subprocess.run(
            _command(farm.url, f"{worker.id}:{SECRET}", _session(farm), examples),
            cwd=directory,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"(\d+) generated", process.stdout)
    log = (farm.directory / "manager.log").read_text()
    cases = int(found[1]) if found else 0
    return Verdict(process.returncode, cases, process.stdout + process.stderr, log)


def _session(farm: FarmProcesses) -> str:
    """Return the cookie of an administrator's session."""
    code = farm.http.post("/api/tablao/v1/login-links").json()["code"]
    with httpx.Client(base_url=farm.url) as browser:
        browser.post("/api/tablao/v1/login/link", json={"code": code}).raise_for_status()
        ((name, value),) = browser.cookies.items()
    return f"{name}={value}"


def _command(url: str, credentials: str, session: str, examples: int) -> list[str]:
    return [
        *(str(Path(sys.executable).parent / "schemathesis"), "run"),
        f"{url}/api/v3/openapi3.json",
        *("--phases", "coverage,fuzzing"),
        *("--checks", ",".join(CHECKS)),
        *("--max-examples", str(examples)),
        *("--auth", credentials),
        *("--header", f"Cookie: {session}"),
        *("--header", "Sec-Fetch-Site: same-origin"),
        # It would end the session.
        *("--exclude-path", "/api/tablao/v1/logout"),
        "--continue-on-failure",
        *("--suppress-health-check", "all"),
        *("--warnings", "off"),
        *("--request-timeout", "60"),
        # The same requests each time: a suite that fails now and then helps nobody.
        "--generation-deterministic",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        verdict = fuzz(Path(directory), asked.examples)
    sys.stdout.write(verdict.said)
    sys.exit(verdict.exit_code)


if __name__ == "__main__":
    main()
