"""The panel shows every refusal of the checks."""

from addon.finding_places import PLACES
from tests.addon.refusals import as_shown, findings

#: Findings that only code in Blender makes, so that `refusals.py` does not print them.
IN_BLENDER_ONLY = {"not-writable"}


def test_every_refusal_says_what_to_do() -> None:
    shown = [as_shown(finding).splitlines() for finding in findings()]

    assert len(shown) >= 30
    for sentence, advice, *_ in shown:
        assert sentence[0] in "✖⚠"
        assert sentence.endswith(".")
        assert advice.strip().endswith(".")


def test_buttons_lead_from_findings_that_there_are() -> None:
    codes = {finding.code for finding in findings()}

    assert set(PLACES) - IN_BLENDER_ONLY <= codes
