"""Lists and changes accounts of people and services, and their tokens."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from sqlalchemy.exc import IntegrityError

from manager_api.access import store
from manager_api.access.identities import Identities
from manager_api.access.passwords import Passwords
from manager_api.access.secrets import SecretKind, digest, new_secret
from manager_api.contract.access import (
    Account,
    AccountChange,
    AccountRequest,
    Accounts,
    NewToken,
    Token,
    TokenRequest,
    Tokens,
)
from manager_api.contract.errors import BadRequest, Conflict, Forbidden, NotFound
from manager_api.database import trail
from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import AccountRow, TokenRow
from workflows.domain.access import Identity, Kind, Permission, Role, Via, rights

_MOST_TOKENS = 100


class AccountService:
    def __init__(self, database: Database, identities: Identities, passwords: Passwords) -> None:
        self._database = database
        self._identities = identities
        self._passwords = passwords

    async def all(self) -> Accounts:
        async with self._database.reading() as session:
            rows = await store.accounts(session)
        return Accounts(accounts=[_answer(row) for row in rows])

    async def create(self, asked: AccountRequest) -> Account:
        """
        Raises:
            BadRequest: a person without a password, or a service with one.
            Conflict: the name is taken.
        """
        if asked.is_service == (asked.password is not None):
            raise BadRequest("a person needs a password, and a service has none")
        hashed = await self._passwords.hashed(asked.password) if asked.password else None
        row = AccountRow(
            id=str(uuid4()),
            name=asked.name,
            kind=Kind.SERVICE if asked.is_service else Kind.PERSON,
            role=asked.role,
            password_hash=hashed,
            is_disabled=False,
            created=utc_now(),
        )
        trail.note(None, {"name": row.name, "kind": row.kind, "role": row.role})
        try:
            async with self._database.writing() as session:
                session.add(row)
                await session.flush()
        except IntegrityError:
            raise Conflict(f'there is an account "{asked.name}" already') from None
        return _answer(row)

    async def change(self, account_id: str, asked: AccountChange) -> Account:
        """
        Raises:
            NotFound: there is no such account.
            BadRequest: a password for a service; a password or a role for a person of the studio's
                own login.
            Conflict: the farm would have no administrator left.
        """
        hashed = await self._passwords.hashed(asked.password) if asked.password else None
        async with self._database.writing() as session:
            row = await store.existing_account(session, account_id)
            _check_is_decided_here(row, asked)
            before = {"role": row.role, "is_disabled": row.is_disabled}
            if hashed is not None:
                if row.kind is not Kind.PERSON:
                    raise BadRequest("a service has no password")
                row.password_hash = hashed
            role = row.role if asked.role is None else asked.role
            is_disabled = row.is_disabled if asked.is_disabled is None else asked.is_disabled
            if role is not Role.ADMIN or is_disabled:
                await _leave_an_admin(session, row)
            row.role, row.is_disabled = role, is_disabled
            if is_disabled or hashed is not None:
                await store.end_sessions(session, row.id)
            changed = {"password": "changed"} if hashed else {}
            trail.note(before, {"role": role, "is_disabled": is_disabled, **changed})
        self._identities.forget()
        return _answer(row)

    async def remove(self, account_id: str) -> None:
        """Remove an account, its sessions and tokens. Its jobs stay, without an owner.

        Raises:
            NotFound: there is no such account.
            Conflict: the farm would have no administrator left.
        """
        async with self._database.writing() as session:
            row = await store.existing_account(session, account_id)
            await _leave_an_admin(session, row)
            trail.note({"name": row.name, "role": row.role}, None)
            await session.delete(row)
        self._identities.forget()

    async def end_sessions(self, account_id: str) -> None:
        async with self._database.writing() as session:
            await store.existing_account(session, account_id)
            await store.end_sessions(session, account_id)
        self._identities.forget()

    async def tokens(self, account_id: str) -> Tokens:
        async with self._database.reading() as session:
            await store.existing_account(session, account_id)
            rows = await store.tokens_of(session, account_id)
        return Tokens(tokens=[_token(row) for row in rows])

    async def create_token(self, account_id: str, asked: TokenRequest, by: Identity) -> NewToken:
        """
        Raises:
            NotFound: there is no such account.
            Forbidden: the caller's own token may do less than the new one could.
            Conflict: the account has too many tokens.
        """
        now = utc_now()
        async with self._database.writing() as session:
            account = await store.existing_account(session, account_id)
            _check_scopes(asked.scopes, account, by)
            if len(await store.tokens_of(session, account_id)) >= _MOST_TOKENS:
                raise Conflict(f"an account has {_MOST_TOKENS} tokens at most; remove old ones")
            is_service = account.kind is Kind.SERVICE
            secret = new_secret(SecretKind.SERVICE if is_service else SecretKind.USER)
            row = TokenRow(
                id=str(uuid4()),
                secret_hash=digest(secret),
                account_id=account.id,
                name=asked.name,
                scopes=sorted(set(asked.scopes)),
                created=now,
                expires=None if asked.days is None else now + timedelta(days=asked.days),
            )
            session.add(row)
            trail.note(None, {"token": row.name, "of": account.name, "scopes": row.scopes})
        return NewToken(token=_token(row), secret=secret)

    async def remove_token(self, account_id: str, token_id: str, by: Identity) -> None:
        """
        Raises:
            NotFound: the account has no such token.
            Forbidden: the caller shows another token, which is no administrator's.
        """
        async with self._database.writing() as session:
            row = await session.get(TokenRow, token_id)
            if row is None or row.account_id != account_id:
                raise NotFound(f'no such token "{token_id}"')
            is_other = by.via is Via.TOKEN and by.credential != token_id
            if is_other and not by.may(Permission.ADMIN):
                raise Forbidden("a token removes no other tokens: log in for that")
            trail.note({"token": row.name, "scopes": row.scopes}, None)
            await session.delete(row)
        self._identities.forget()


def _check_scopes(scopes: Sequence[Permission], account: AccountRow, by: Identity) -> None:
    gained = rights(account.role, scopes)
    if not gained <= by.permissions:
        more = ", ".join(sorted(gained - by.permissions))
        raise Forbidden(f"you may not hand out what you may not do yourself: {more}")


def _check_is_decided_here(row: AccountRow, asked: AccountChange) -> None:
    if row.issuer is None:
        return
    if asked.password is not None:
        raise BadRequest(
            f"{row.name} logs in with the studio's own login, and has no password here"
        )
    if asked.role not in (None, row.role):
        raise BadRequest(f"the role of {row.name} comes from its groups in the studio's own login")


async def _leave_an_admin(session: Session, leaving: AccountRow) -> None:
    """Check that another person can administer the farm, if this one can."""
    admins = await store.admins_for_change(session)
    if list(admins) == [leaving.id]:
        raise Conflict(f'"{leaving.name}" is the only administrator; make another one first')


def _answer(row: AccountRow) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        kind=row.kind,
        role=row.role,
        is_disabled=row.is_disabled,
        has_password=row.password_hash is not None,
        issuer=row.issuer,
        has_lost_role=row.has_lost_role,
        created=row.created,
        last_login=row.last_login,
    )


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=[Permission(each) for each in row.scopes],
        created=row.created,
        expires=row.expires,
        last_used=row.last_used,
    )
