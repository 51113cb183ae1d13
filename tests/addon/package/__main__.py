"""Shows the add-on's zip, and how Blenders install it: `python -m tests.addon.package`."""

import sys
import tempfile
import zipfile
from pathlib import Path

from tests.addon.blender.blenders import BLENDERS, build_zip
from tests.addon.package.installing import extension_command, install


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    built = build_zip()
    say(f"{built.name}: {built.stat().st_size:,} bytes")
    with zipfile.ZipFile(built) as archive:
        for entry in archive.infolist():
            say(f"{entry.file_size:9,}  {entry.filename}")
    say(f"\nBlender's extension command: {extension_command('validate', str(built)).strip()}")
    with tempfile.TemporaryDirectory() as folder:
        for blender in BLENDERS:
            found = install(blender, built, Path(folder) / blender.name)
            state = "enabled" if found["is_enabled"] else "NOT ENABLED"
            say(
                f"Blender {found['blender']}, empty profile: {found['module']} is {state}; "
                f"panel: {found['panel']}; {len(found['operators'])} operators"
            )


main()
