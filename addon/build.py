"""Builds the add-on's zip in `manager_api/addon_files`. One zip serves all versions of Blender.

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
#: The folder in the zip. Blender before 4.2 uses it as the module's name.
ROOT = "tablao"
#: Files that only build the add-on.
_NOT_SHIPPED = frozenset({"build.py"})
_PIN = re.compile(r"^(?P<name>[\w-]+)==(?P<version>[\d.]+) --hash=sha256:(?P<sha>[0-9a-f]{64})$")
#: The earliest time that a zip can store. A fixed time keeps the bytes the same.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


class NotBuilt(Exception):
    """The zip cannot be built; the text says why."""


def build() -> Path:
    """Build the zip, and return its path.

    Raises:
        NotBuilt: versions differ, or a wheel cannot be downloaded.
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
    # Only one zip is kept, so the manager need not choose.
    for old in set(FILES.glob("*.zip")) - {place}:
        old.unlink()
    return place


def _version() -> str:
    """Return the version, which the project, the manifest and bl_info must agree on."""
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
    """Return the files to ship, by their path in the add-on."""
    sources = (file for file in HERE.rglob("*.py") if WHEELS not in file.parents)
    shipped = {file.relative_to(HERE).as_posix(): file for file in sources}
    shipped = {name: file for name, file in shipped.items() if name not in _NOT_SHIPPED}
    shipped["blender_manifest.toml"] = HERE / "blender_manifest.toml"
    shipped["LICENSE"] = PROJECT / "LICENSE"
    return shipped | {f"wheels/{wheel.name}": wheel for wheel in wheels()}


def wheels() -> list[Path]:
    """Return BAT's wheels; download those that are not there yet.

    Raises:
        NotBuilt: a wheel cannot be downloaded, or it has another checksum.
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
        # Blender's Python runs the wheels, not this one.
        options = ("--no-deps", "--only-binary=:all:", "--python-version=3.13")
        command = (sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", *options)
        done = subprocess.run(
            [*command, "--dest", scratch, "-r", requirements], capture_output=True, text=True
        )
        found = list(Path(scratch).glob("*.whl"))
        if done.returncode or not found:
            raise NotBuilt(
                f"{matched['name']} {matched['version']} cannot be downloaded: {done.stderr}"
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
    entry.create_system = 3  # always Unix, so that every system builds the same bytes
    # Wheels are compressed already.
    entry.compress_type = zipfile.ZIP_STORED if file.suffix == ".whl" else zipfile.ZIP_DEFLATED
    archive.writestr(entry, file.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{build()}\n")
    except NotBuilt as problem:
        sys.exit(str(problem))
