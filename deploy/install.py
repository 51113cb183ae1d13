"""Installs the packages that Tablao runs and is built with, in `.venv`; `--dev` adds its tests'.

python deploy/install.py [--dev]

All packages are pinned with hashes. uv installs them from the sources that pip is set up to use.
Standard library only.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from step import Step

VENV = Path(".venv")
BIN = VENV / "bin"
RUN, BUILD, DEV = (Path(f"requirements{of}.txt") for of in ("", "-build", "-dev"))

#: uv's names of pip's settings. uv does not read pip's settings itself.
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    # Without an index pip uses folders, see `find-links`.
    "no-index": "UV_OFFLINE",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def install(*, dev: bool) -> None:
    make_environment()
    python = str(BIN / "python")
    uv = (str(BIN / "uv"), "pip", "install", "--python", python)
    Step(
        f"Installing {count(RUN, BUILD)} packages, which Tablao runs and is built with",
        sources=[RUN, BUILD, Path("pyproject.toml")],
        made=f"{BIN}/tablao",
        stamp=VENV / ".installed",
    ).run(
        (*uv, "--require-hashes", "--requirement", str(RUN), "--requirement", str(BUILD)),
        # Only packages with a known hash may be installed, so look up no dependencies.
        (*uv, "--no-deps", "--no-build-isolation", "--editable", "."),
        # Compile the imported modules to bytecode, which takes 6 s of CPU; all installed modules
        # would take 16 s. Without this step, each of the demo's four processes compiles them.
        (python, "-c", "import manager_api.main, manager_api.cli.demo, worker_host.serving"),
        environment=environment_of_steps,
    )
    if dev:
        Step(
            f"Installing {count(DEV)} packages, which its tests need",
            sources=[DEV],
            made=f"{BIN}/pytest",
            stamp=VENV / ".installed-dev",
        ).run(
            # The tests start hundreds of processes.
            (*uv, "--require-hashes", "--compile-bytecode", "--requirement", str(DEV)),
            environment=environment_of_steps,
        )


def make_environment() -> None:
    only_uv = VENV / "uv.txt"
    VENV.mkdir(exist_ok=True)
    only_uv.write_text(pin("uv", BUILD))
    pip = (str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    Step(
        f"Making the environment {VENV}",
        sources=[only_uv],
        made=f"{BIN}/uv",
        stamp=VENV / ".made",
    ).run(
        (sys.executable, "-m", "venv", str(VENV)),
        (*pip, "--require-hashes", "--no-deps", "--requirement", str(only_uv)),
    )


def pin(package: str, file: Path) -> str:
    """Return a package's lines in a file of requirements, with its hashes."""
    return re.findall(rf"^{package}==(?:.*\n)(?: .*\n)*", file.read_text(), re.MULTILINE)[0]


def count(*files: Path) -> int:
    pins = [re.findall(r"^[\w.-]+(?===)", file.read_text(), re.MULTILINE) for file in files]
    return len({name for names in pins for name in names})


def environment_of_steps() -> dict[str, str]:
    """Return this process's environment, with uv's names for pip's settings.

    It lets Python write bytecode.
    """
    command = (str(BIN / "python"), "-m", "pip", "config", "list")
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    environment = {"UV_SYSTEM_CERTS": "1", **uv_settings(listed), **os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def uv_settings(listed: str) -> Mapping[str, str]:
    """Read the output of `pip config list`: lines such as `global.index-url='ADDRESS'`.

    The environment's settings take precedence over those for `pip install`, and these over the
    global ones.
    """
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for where, name, value in re.findall(r"^([\w:]+)\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        if where in found and name in _UV_NAMES:
            found[where][_UV_NAMES[name]] = _uv_value(name, value)
    return found["global"] | found["install"] | found[":env:"]


def _uv_value(name: str, value: str) -> str:
    values = value.replace("\\n", " ").split()
    if name != "find-links":
        return " ".join(values)
    # Leave out missing folders: pip ignores them, but uv fails.
    return ",".join(each for each in values if "://" in each or Path(each).exists())


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 # an older Python may run this file
        sys.exit(
            f"Tablao needs Python 3.11 or later, and {sys.executable} is older: "
            "make PYTHON=/path/to/python3.11"
        )
    install(dev=sys.argv[1:] == ["--dev"])


if __name__ == "__main__":
    main()
