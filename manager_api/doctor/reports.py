"""A doctor's findings as the API has them."""

from collections.abc import Sequence

from manager_api.contract.doctor import DoctorCheck, DoctorReport
from workflows.domain.doctor import Finding, worst


def report_of(findings: Sequence[Finding], version: str) -> DoctorReport:
    """
    Args:
        version: of the software that has looked.
    """
    return DoctorReport(
        state=worst(findings),
        version=version,
        checks=[
            DoctorCheck(id=each.check, state=each.state, sentence=each.sentence, advice=each.advice)
            for each in findings
        ],
    )
