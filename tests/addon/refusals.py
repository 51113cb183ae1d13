"""Prints every refusal as the panel shows it: `python -m tests.addon.refusals`."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from addon import devices
from addon.core.checks import Finding, finding_of
from addon.core.job_types import JobType
from addon.finding_places import PLACES
from tests.addon.core.test_checks import REFUSALS, WRONG, Scene


def findings() -> Iterator[Finding]:
    """Yield all findings, each of a submission without other problems."""
    for changes in WRONG.values():
        for change in changes:
            with tempfile.TemporaryDirectory() as folder:
                yield from _changed(Scene(Path(folder)), change).found()
    for refusal, _ in REFUSALS:
        yield finding_of(refusal)
    with tempfile.TemporaryDirectory() as folder:
        custom = JobType("of-the-studio", "Of the Studio", ())
        yield from devices.problems("CUDA", custom, Scene(Path(folder)).info)


def _changed(scene: Scene, change: dict[str, Any]) -> Scene:
    scene.facts = replace(scene.facts, **change.get("facts", {}))
    scene.settings |= change.get("settings", {})
    scene.options |= change.get("options", {})
    scene.job_type = change.get("job_type", scene.job_type)
    if "storage" in change and scene.info:
        scene.info = replace(scene.info, storage=change["storage"])
    scene.info = change.get("info", scene.info)
    return scene


def as_shown(finding: Finding) -> str:
    """Return the text of the panel's box: icon, sentence, advice, files or settings, button."""
    mark = "✖" if finding.is_blocking else "⚠"
    about = [f"    · {each}" for each in finding.show if each]
    button = [f"    [{PLACES[finding.code][1]}]"] if finding.code in PLACES else []
    return "\n".join([f"{mark} {finding.sentence}.", f"    {finding.advice}.", *about, *button])


def main() -> None:
    count = 0
    for finding in findings():
        count += 1
        sys.stdout.write(f"{as_shown(finding)}\n\n")
    sys.stdout.write(f"{count} refusals\n")


if __name__ == "__main__":
    main()
