"""A Python for Windows with what the host needs, run by Wine; made once, outside the repository.

Its files are those of CPython as Maven Central has them. Wheels link to libraries that are made
here: `python3.dll`, which only names functions of `python313.dll`, `bcryptprimitives.dll`, of which
Wine has none yet, and a `pdh.dll` that knows no counters.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

_PROJECT = Path(__file__).resolve().parents[2]
_ARTIFACT = "org.bytedeco:cpython:3.13.5-1.5.12:jar:windows-x86_64"
_IN_JAR = "org/bytedeco/cpython/windows-x86_64/"
_PACKAGES = ("workflows", "activities", "manager_api", "worker_host")
_GCC = "x86_64-w64-mingw32-gcc"
_OBJDUMP = "x86_64-w64-mingw32-objdump"
#: The program, and the Debian package that brings it.
_NEEDED = (("wine", "wine wine64"), (_GCC, "gcc-mingw-w64-x86-64"), ("mvn", "maven"))
_PROCESS_PRNG = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    for (; size > 0xffff; data += 0xffff, size -= 0xffff)
        if (!SystemFunction036(data, 0xffff)) return FALSE;
    return SystemFunction036(data, (ULONG)size);
}
"""
#: What psutil and Temporal's SDK ask for the load; Wine 8 ends a program for one of them.
_COUNTERS = (
    "PdhAddEnglishCounterW",
    "PdhCloseQuery",
    "PdhCollectQueryData",
    "PdhCollectQueryDataEx",
    "PdhEnumObjectsW",
    "PdhGetFormattedCounterValue",
    "PdhOpenQueryW",
    "PdhRemoveCounter",
)


class CannotBuild(Exception):
    """The text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class WinePython:
    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "python" / "python.exe"

    @property
    def site(self) -> Path:
        """The packages that the project needs, as wheels for Windows."""
        return self.folder / "site"

    @property
    def prefix(self) -> Path:
        """What Wine keeps: the drive C and the registry."""
        return self.folder / "wine"

    def command(self, *arguments: str) -> list[str]:
        return ["wine", str(self.program), *arguments]

    def environment(self, code: Path) -> dict[str, str]:
        """Return the environment in which Python finds the project's code in `code`."""
        return {
            **os.environ,
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "pdh=n",
            "DISPLAY": "",
            "PYTHONPATH": f"{on_drive(self.site)};{on_drive(code)}",
        }


def on_drive(path: Path) -> str:
    """Return a path as Windows' programs see it: the whole machine is drive Z."""
    return "Z:" + str(path).replace("/", "\\")


def wine_python() -> WinePython:
    """Return the Python; the first time it is made, which takes a minute or two.

    Raises:
        CannotBuild: a program is missing, or a step fails.
    """
    missing = [package for program, package in _NEEDED if shutil.which(program) is None]
    if missing:
        raise CannotBuild(f"Missing programs: apt-get install {' '.join(missing)}")
    requirements = (_PROJECT / "requirements.txt").read_bytes()
    state = hashlib.sha256(requirements + Path(__file__).read_bytes()).hexdigest()[:12]
    made = WinePython(user_cache_path("tablao-tests") / f"wine-python-{state}")
    if not made.folder.is_dir():
        draft = WinePython(made.folder.with_name(f"{made.folder.name}.draft"))
        shutil.rmtree(draft.folder, ignore_errors=True)
        _unpack_python(draft)
        _make_libraries(draft.program.parent)
        _install_packages(draft)
        draft.folder.rename(made.folder)
    _prepare_prefix(made)
    return made


def copy_code(target: Path) -> None:
    """Copy the project's packages, with the metadata by which Python knows its version."""
    for package in _PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "dashboard_files", "addon_files")
        shutil.copytree(_PROJECT / package, target / package, ignore=ignored)
    [metadata] = Path(sys.prefix).glob("lib/python*/site-packages/tablao-*.dist-info")
    (target / metadata.name).mkdir()
    shutil.copy(metadata / "METADATA", target / metadata.name)


def _unpack_python(made: WinePython) -> None:
    jars = made.folder / "jars"
    _run(
        *("mvn", "--quiet", "--batch-mode", "dependency:copy", f"-Dartifact={_ARTIFACT}"),
        f"-DoutputDirectory={jars}",
    )
    [jar] = jars.glob("*.jar")
    with zipfile.ZipFile(jar) as archive:
        names = [name for name in archive.namelist() if name.startswith(_IN_JAR)]
        archive.extractall(made.folder, names)
    (made.folder / _IN_JAR).rename(made.program.parent)
    # Wine 8 ends a program that asks by WMI what the system is; without it Python asks otherwise.
    (made.program.parent / "lib" / "_wmi.pyd").unlink()


def _make_libraries(folder: Path) -> None:
    exported = _run(_OBJDUMP, "-p", str(folder / "python313.dll")).partition("[Ordinal/Name")[2]
    names = re.findall(r"\[ *\d+\].* (_?Py\w+)$", exported, re.MULTILINE)
    if not names:
        raise CannotBuild("python313.dll exports nothing that could be forwarded.")
    forwards = "".join(f"  {name} = python313.{name}\n" for name in names)
    definitions, source = folder / "python3.def", folder / "prng.c"
    definitions.write_text(f'LIBRARY "python3.dll"\nEXPORTS\n{forwards}')
    empty = folder / "empty.c"
    empty.write_text("extern int unused;\n")
    target = folder / "python3.dll"
    options = ("-shared", "-nostdlib", "-Wl,--entry,0")
    _run(_GCC, *options, "-o", str(target), str(empty), str(definitions))
    source.write_text(_PROCESS_PRNG)
    target = folder / "bcryptprimitives.dll"
    _run(_GCC, "-shared", "-o", str(target), str(source), "-ladvapi32")
    counters = folder / "pdh.c"
    functions = (
        f"__declspec(dllexport) unsigned long {name}(void) {{ return 0xC0000BB8; }}\n"
        for name in _COUNTERS
    )
    counters.write_text("".join(functions))
    _run(_GCC, "-shared", "-o", str(folder / "pdh.dll"), str(counters))


def _install_packages(made: WinePython) -> None:
    _run(
        *(str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"),
        *("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.13"),
        *("--only-binary", ":all:", "--require-hashes", "--target", str(made.site)),
        *("--requirement", str(_PROJECT / "requirements.txt")),
    )


def _prepare_prefix(made: WinePython) -> None:
    if (made.prefix / "system.reg").exists():
        return
    environment = made.environment(made.folder)
    _run("wineboot", "--init", environment=environment)
    # Wine 8 says otherwise that it is Windows 7, which Python has left behind.
    key = ("HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f")
    _run("wine", "reg", "add", *key, environment=environment)
    _run("wineserver", "--wait", environment=environment)


def _run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"{_shown(command)} failed: {done.stdout[-2000:]}")
    return done.stdout


def _shown(command: Sequence[str]) -> str:
    return " ".join(command)
