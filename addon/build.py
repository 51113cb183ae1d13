"""Builds the add-on's zip into `manager_api/addon_files`: for Blender 4.2 and later, and before.

python addon/build.py

The same sources give the same bytes. BAT's wheels are downloaded once, into `addon/wheels`.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent
FILES = PROJECT / "manager_api" / "addon_files"
WHEELS = HERE / "wheels"
#: The folder in the zip. Blender before 4.2 makes it the module's name.
ROOT = "tablao"
#: What builds the add-on is no part of it.
_NOT_SHIPPED = frozenset({"build.py"})
_PIN = re.compile(r"^(?P<name>[\w-]+)==(?P<version>[\d.]+) --hash=sha256:(?P<sha>[0-9a-f]{64})$")
#: The earliest that a zip can say.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


class NotBuilt(Exception):
    """Why there is no zip, and what to do."""


def build() -> Path:
    """The zip.

    Raises:
        NotBuilt: versions differ, or a wheel is not to be had.
    """
    version = _version()
    contents = _contents()
    FILES.mkdir(exist_ok=True)
    place = FILES / f"{ROOT}-{version}.zip"
    with tempfile.TemporaryDirectory(dir=FILES) as scratch:
        building = Path(scratch) / place.name
        with zipfile.ZipFile(building, "w") as archive:
            for name, file in sorted(contents.items()):
                _add(archive, f"{ROOT}/{name}", file)
        building.replace(place)
    # The manager need not choose.
    for old in set(FILES.glob("*.zip")) - {place}:
        old.unlink()
    return place


def _version() -> str:
    """What the project, the manifest and bl_info agree on."""
    said = {
        _said(PROJECT / "pyproject.toml", r'^version = "(.+)"$'),
        _said(HERE / "blender_manifest.toml", r'^version = "(.+)"$'),
        _said(HERE / "__init__.py", r'"version": \((.+)\)').replace(", ", "."),
    }
    if len(said) != 1:
        raise NotBuilt(
            "pyproject.toml, addon/blender_manifest.toml and bl_info in addon/__init__.py "
            f"have different versions: {', '.join(sorted(said))}"
        )
    return said.pop()


def _said(file: Path, pattern: str) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise NotBuilt(f"{file.relative_to(PROJECT)} has no version")
    return found[1]


def _contents() -> dict[str, Path]:
    """By path in the add-on."""
    sources = (file for file in HERE.rglob("*.py") if WHEELS not in file.parents)
    shipped = {file.relative_to(HERE).as_posix(): file for file in sources}
    shipped = {name: file for name, file in shipped.items() if name not in _NOT_SHIPPED}
    shipped["blender_manifest.toml"] = HERE / "blender_manifest.toml"
    shipped["LICENSE"] = PROJECT / "LICENSE"
    return shipped | {f"wheels/{wheel.name}": wheel for wheel in wheels()}


def wheels() -> list[Path]:
    """BAT's wheels, downloaded if they are not there yet.

    Raises:
        NotBuilt: there is no network, or the file is another.
    """
    WHEELS.mkdir(exist_ok=True)
    pins = (HERE / "wheels.txt").read_text(encoding="utf-8").splitlines()
    return [_wheel(pin) for pin in pins if pin and not pin.startswith("#")]


def _wheel(pin: str) -> Path:
    matched = _PIN.match(pin)
    if matched is None:
        raise NotBuilt(f"addon/wheels.txt: not understood: {pin}")
    if there := _kept(matched["sha"]):
        return there
    with tempfile.TemporaryDirectory(dir=WHEELS) as scratch:
        requirements = Path(scratch) / "pin.txt"
        requirements.write_text(pin)
        # For any Python: it is not this one that runs them.
        options = ("--no-deps", "--only-binary=:all:", "--python-version=3.13")
        command = (sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", *options)
        done = subprocess.run(
            [*command, "--dest", scratch, "-r", requirements], capture_output=True, text=True
        )
        found = list(Path(scratch).glob("*.whl"))
        if done.returncode or not found:
            raise NotBuilt(
                f"{matched['name']} {matched['version']} is not to be had: {done.stderr}"
            )
        return found[0].replace(WHEELS / found[0].name)


def _kept(sha: str) -> Path | None:
    for wheel in WHEELS.glob("*.whl"):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() == sha:
            return wheel
    return None


def _add(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    entry = zipfile.ZipInfo(name, _ALWAYS)
    entry.external_attr = _PLAIN_FILE
    entry.create_system = 3  # Unix, whatever this is
    # Wheels are zips themselves.
    entry.compress_type = zipfile.ZIP_STORED if file.suffix == ".whl" else zipfile.ZIP_DEFLATED
    archive.writestr(entry, file.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{build()}\n")
    except NotBuilt as problem:
        sys.exit(str(problem))
