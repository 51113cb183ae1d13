"""A real nginx before a manager, with the configuration that deploy/proxies gives away."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.farm.processes import free_port, wait_until
from tests.manager.certificates import authority_in, pin_of

RECIPE = Path(__file__).parents[2] / "deploy/proxies/nginx.conf"
#: Only root may choose the user of nginx's workers, and needs to: others cannot read the folder.
_FRAME = """
{user}
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {recipe}
}}
"""


class Nginx:
    """`with Nginx(directory, port) as nginx: …`

    Args:
        manager_port: of the manager on this machine.
        takes_path_away: whether requests reach the manager without the path `/tablao`.
        address: to listen on.
        within: a command that runs nginx in a network namespace.
    """

    def __init__(
        self,
        directory: Path,
        manager_port: int,
        *,
        takes_path_away: bool = False,
        address: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.url = f"https://{address}:{self.port}/tablao"
        self.files = authority_in(directory / "tls", address)
        self._within = within
        self.pin = pin_of(self.files.authority)
        self._directory = directory
        upstream = "http://tablao/" if takes_path_away else "http://tablao"
        recipe = RECIPE.read_text()
        for before, after in (
            ("server 127.0.0.1:8080;", f"server 127.0.0.1:{manager_port};"),
            ("listen 443 ssl;", f"listen {address}:{self.port} ssl;"),
            ("server_name farm.studio;", f"server_name {address};"),
            ("/etc/ssl/farm.studio.pem", str(self.files.certificate)),
            ("/etc/ssl/farm.studio.key", str(self.files.key)),
            ("proxy_pass http://tablao;", f"proxy_pass {upstream};"),
        ):
            assert recipe.count(before) == 1, before
            recipe = recipe.replace(before, after)
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(_FRAME.format(user=user, recipe=recipe))

    def __enter__(self) -> Self:
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program, "these tests run nginx: apt-get install nginx-light"
        self._log = (self._directory / "error.log").open("wb")
        options = ("-p", str(self._directory), "-c", "nginx.conf", "-e", "stderr")
        self._process = subprocess.Popen(
            [*self._within, program, *options, "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stderr=self._log,
        )
        wait_until(self._listens)
        return self

    def _listens(self) -> bool:
        words = (self._directory / "error.log").read_text()
        assert self._process.poll() is None, words
        return (self._directory / "nginx.pid").exists()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
