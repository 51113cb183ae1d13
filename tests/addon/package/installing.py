"""Installs the add-on in Blender's own ways, in empty profiles."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.addon.blender.blenders import BLENDERS, Blender, environment_of

_SCRIPT = Path(__file__).with_name("install_in_blender.py")
_TIMEOUT_S = 240
#: What `blender --command extension …` runs.
_EXTENSION_COMMAND = "scripts/addons_core/bl_pkg/cli/blender_ext.py"


def install(blender: Blender, zip_file: Path, profile: Path) -> dict[str, Any]:
    """Install the zip in a new profile, and return what Blender reports about the add-on."""
    blender.check_is_there()
    profile.mkdir(parents=True)
    answer = profile / "answer.json"
    asked = json.dumps({"zip": str(zip_file), "answer": str(answer)})
    # Without --factory-startup, which would ignore the profile's add-ons.
    options = ("-b", "--python-exit-code", "1", "--python", str(_SCRIPT), "--", asked)
    environment = environment_of(profile) | {"BLENDER_USER_RESOURCES": str(profile)}
    done = subprocess.run(
        [*blender.command, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(answer.read_text()))


def extension_command(*arguments: str) -> str:
    """Run the `extension` command of the newest Blender here, and return its output."""
    blender = BLENDERS[-1]
    blender.check_is_there()
    environment = Path(blender.command[0]).parents[1]
    command = next(environment.rglob(_EXTENSION_COMMAND))
    done = subprocess.run(
        [blender.command[0], str(command), *arguments],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
