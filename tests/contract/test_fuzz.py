"""Whatever is asked, the answer is one that our document describes, and never a server error."""

from pathlib import Path

from tests.contract.fuzz import fuzz


def test_no_request_gets_an_answer_that_is_not_described(tmp_path: Path) -> None:
    verdict = fuzz(tmp_path, examples=2)

    assert verdict.exit_code == 0, verdict.said[-5000:]
    assert verdict.cases > 1000, verdict.said[-2000:]
    assert "Traceback" not in verdict.log
