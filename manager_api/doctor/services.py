"""Looks at notifications and at job types."""

from collections.abc import Sequence

from sqlalchemy import select

from activities.process.examining import Check
from manager_api.database.engine import Database
from manager_api.database.tables import NotificationRuleRow
from manager_api.job_types.registry import JobTypeRegistry
from manager_api.settings.model import ManagerSettings
from workflows.domain import doctor_rules as rules
from workflows.domain.doctor import Finding, broken, fine, to_look_at
from workflows.domain.notifications import Way

WEBHOOKS, EMAIL, JOB_TYPES = "webhooks", "email", "job-types"
#: The first run of all scripts takes as long as the slowest.
_JOB_TYPES_WITHIN_S = 25.0


def notification_check(database: Database, settings: ManagerSettings) -> Check:
    async def examine() -> Sequence[Finding]:
        async with database.reading() as session:
            rows = (await session.scalars(select(NotificationRuleRow))).all()
        return [
            _webhooks([each for each in rows if each.way is Way.WEBHOOK]),
            _email([each for each in rows if each.way is Way.EMAIL], settings),
        ]

    return Check((WEBHOOKS, EMAIL), examine)


def _webhooks(rows: Sequence[NotificationRuleRow]) -> Finding:
    failing = [each for each in rows if each.failing_since is not None or each.trouble]
    if not failing:
        return fine(WEBHOOKS, f"No webhook fails, of {len(rows)}.")
    names = rules.named([each.name for each in failing])
    return to_look_at(
        WEBHOOKS,
        f"Webhooks that fail: {names}. {failing[0].name}: {_ended(failing[0].trouble)}",
        "`tablao notify log NAME` shows what was answered; mend the receiver or the address, then "
        "`tablao notify test NAME`.",
    )


def _email(rows: Sequence[NotificationRuleRow], settings: ManagerSettings) -> Finding:
    if rows and not settings.smtp.host:
        return to_look_at(
            EMAIL,
            f"{len(rows)} people want to be told by e-mail, and no mail server is set.",
            "Set `smtp.host` and `smtp.sender`.",
        )
    failing = [each for each in rows if each.failing_since is not None or each.trouble]
    if failing:
        return to_look_at(
            EMAIL,
            f"E-mails to {len(failing)} people fail: {_ended(failing[0].trouble)}",
            "Look at the settings `smtp.…` and at the mail server's log.",
        )
    if not settings.smtp.host:
        return fine(EMAIL, "No mail server is set, and no person wants e-mails.")
    return fine(EMAIL, f"No e-mail fails that goes by {settings.smtp.host}.")


def job_type_check(job_types: JobTypeRegistry) -> Check:
    async def examine() -> Sequence[Finding]:
        folder = job_types.scripts
        if folder is None:
            return [fine(JOB_TYPES, "The manager has the built-in job types only.")]
        described = await job_types.in_thread(folder.described)
        failed = [(path.name, each.problem) for path, each in described if each.problem]
        if not failed:
            return [fine(JOB_TYPES, f"No job type fails, of {len(described)} in {folder.folder}.")]
        names = rules.named([name for name, _ in failed])
        return [
            broken(
                JOB_TYPES,
                f"Job types that do not load: {names}. {_ended(failed[0][1])}",
                f"Mend or remove the script in {folder.folder}; `tablao job-types check FILE` "
                "tries one.",
            )
        ]

    return Check((JOB_TYPES,), examine, _JOB_TYPES_WITHIN_S)


def _ended(words: str) -> str:
    return f"{words.strip().rstrip('.')}."
