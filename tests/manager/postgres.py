"""A real PostgreSQL for tests: one given by its URL, else a server started here, else Docker's."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

URL_VARIABLE = "TABLAO_TEST_POSTGRES_URL"
WHAT_TO_INSTALL = (
    f"no PostgreSQL to test with: set {URL_VARIABLE} to postgresql+asyncpg://USER:PASSWORD@HOST/DB "
    "of a server that may be filled with test databases, or install its server programs "
    "(Debian: apt-get install postgresql), or Docker"
)


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of a database whose user may create others."""
    if given := os.environ.get(URL_VARIABLE):
        yield given
    elif programs := _server_programs():
        with _local_server(programs) as url:
            yield url
    else:
        with _container() as url:
            yield url


def _server_programs() -> Path | None:
    """Folder of `initdb`. Debian keeps it off the PATH, by version."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def _local_server(programs: Path) -> Iterator[str]:
    # A socket's path may have 107 characters, so not below pytest's folder.
    home = Path(tempfile.mkdtemp(prefix="tablao-pg-"))
    owner = _owner(home)
    data = home / "data"
    try:
        _run([programs / "initdb", "-D", data, "-U", "tablao", "-A", "trust", "-E", "UTF8"], owner)
        # Tests need order and locks, not survival of a power cut.
        options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-o", options, "-l", home / "log", "start"], owner)
        try:
            yield f"postgresql+asyncpg://tablao@/postgres?host={home}"
        finally:
            _run([*control, "-m", "immediate", "stop"], owner)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def restart_at_once(url: str) -> None:
    """Kill a server that `postgres_server` has started here, and start it again."""
    home = Path(str(make_url(url).query["host"]))
    programs = _server_programs()
    assert programs is not None
    control: list[str | Path] = [programs / "pg_ctl", "-D", home / "data", "-w"]
    _run([*control, "-m", "immediate", "-l", home / "log", "restart"], _owner(home))


def program(name: str) -> str:
    """Path of one of PostgreSQL's programs."""
    programs = _server_programs()
    assert programs is not None, WHAT_TO_INSTALL
    return str(programs / name)


def _owner(home: Path) -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    shutil.chown(home, "postgres", "postgres")
    return "postgres"


def _run(command: list[str | Path], owner: str | None) -> None:
    as_owner = {"user": owner, "group": owner, "extra_groups": []} if owner else {}
    # The server inherits the output: a pipe would stay open as long as it runs.
    subprocess.run(
        command,
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_owner,  # type: ignore[call-overload]  # its overloads know no unpacked options
    )


@contextmanager
def _container() -> Iterator[str]:
    from docker.errors import DockerException  # type: ignore[import-untyped] # no types published
    from testcontainers.postgres import PostgresContainer

    try:
        container = PostgresContainer("postgres:16", driver="asyncpg")
    except DockerException as error:
        raise RuntimeError(WHAT_TO_INSTALL) from error
    with container:
        yield container.get_connection_url()
