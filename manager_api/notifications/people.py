"""What a person is told by e-mail, and what was told lately."""

from datetime import timedelta
from uuid import uuid4

from manager_api.contract.errors import Forbidden
from manager_api.contract.notifications import (
    PersonalAnswer,
    PersonalNotifications,
    PersonalRule,
    TestResult,
    Told,
    ToldList,
)
from manager_api.database.engine import FOR_CHANGE, Database, utc_now
from manager_api.database.tables import AccountRow, NotificationRuleRow
from manager_api.notifications import store
from manager_api.notifications.outbox import Claimed
from manager_api.notifications.sender import Notifier
from workflows.domain.access import Identity
from workflows.domain.email_addresses import checked_email
from workflows.domain.notifications import Happening, HappeningKind, Shape, Way, message_of


class PersonalService:
    def __init__(self, database: Database, notifier: Notifier, *, can_send: bool) -> None:
        """
        Args:
            can_send: whether the farm has a server for e-mail.
        """
        self._database = database
        self._notifier = notifier
        self._can_send = can_send

    async def get(self, caller: Identity) -> PersonalAnswer:
        """
        Raises:
            Forbidden: the caller has no account.
        """
        _check_account(caller)
        async with self._database.reading() as session:
            email = await store.email_of(session, caller.id)
            rules = await store.rules_of(session, caller.id)
        return PersonalAnswer(
            email=email,
            can_send=self._can_send,
            rules=[
                PersonalRule(
                    kinds=[HappeningKind(each) for each in row.kinds],
                    scope=row.scope,
                    value=row.value,
                )
                for row in rules
            ],
        )

    async def change(self, caller: Identity, asked: PersonalNotifications) -> PersonalAnswer:
        """Replace the address and the rules of the caller.

        Raises:
            Forbidden: the caller has no account.
        """
        _check_account(caller)
        now = utc_now()
        async with self._database.writing() as session:
            account = await session.get(AccountRow, caller.id, with_for_update=FOR_CHANGE)
            if account is not None:
                account.email = checked_email(asked.email) if asked.email else None
            await store.remove_rules(session, caller.id)
            session.add_all(
                NotificationRuleRow(
                    id=str(uuid4()),
                    way=Way.EMAIL,
                    account_id=caller.id,
                    kinds=[str(kind) for kind in rule.kinds],
                    scope=rule.scope,
                    value=rule.value.strip(),
                    # Times that differ keep the order of the rules.
                    created=now + timedelta(microseconds=place),
                )
                for place, rule in enumerate(asked.rules)
            )
        return await self.get(caller)

    async def test_email(self, to: str) -> TestResult:
        """Send an e-mail at once, and say how that ended."""
        happening = Happening(HappeningKind.TEST, "e-mail", "This address gets e-mail of the farm.")
        outcome = await self._notifier.send(
            Claimed(
                id=f"msg_{uuid4().hex}",
                rule_id="",
                message=message_of(HappeningKind.TEST, [happening]),
                created=utc_now(),
                way=Way.EMAIL,
                address=to,
                secret="",
                shape=Shape.PLAIN,
            )
        )
        return TestResult(is_sent=outcome.is_sent, sentence=outcome.sentence)

    async def told(self, limit: int) -> ToldList:
        async with self._database.reading() as session:
            rows = await store.told_lately(session, limit)
        return ToldList(
            notifications=[
                Told(
                    id=row.id, kind=row.kind, happened=row.happened, facts=dict(store.facts_of(row))
                )
                for row in rows
            ]
        )


def _check_account(caller: Identity) -> None:
    if not caller.id:
        raise Forbidden("this needs an account: log in")
