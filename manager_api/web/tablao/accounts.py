"""Accounts of people and services, and the audit, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from manager_api.contract.access import (
    Account,
    AccountChange,
    AccountRequest,
    Accounts,
    Audit,
    NewToken,
    TokenRequest,
    Tokens,
)
from manager_api.web.auth import Administering, Caller
from manager_api.web.dependencies import AccountsOfFarm, AuditOfFarm
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import AccountId, TokenId
from manager_api.web.responses import ERROR, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1",
    tags=["access"],
    dependencies=[Administering],
    responses=ERROR,
)

_CONFLICT = refusal(409)


@router.get("/accounts", operation_id="getAccounts")
async def get_accounts(accounts: AccountsOfFarm) -> Accounts:
    return await accounts.all()


@router.post("/accounts", operation_id="createAccount", status_code=201, responses=_CONFLICT)
async def create_account(asked: AccountRequest, accounts: AccountsOfFarm) -> Account:
    return await accounts.create(asked)


@router.patch("/accounts/{account_id}", operation_id="changeAccount", responses=_CONFLICT)
async def change_account(
    account_id: AccountId, asked: AccountChange, accounts: AccountsOfFarm
) -> Account:
    """Change an account. A new password and disabling end its sessions."""
    return await accounts.change(account_id, asked)


@router.delete(
    "/accounts/{account_id}", operation_id="removeAccount", status_code=204, responses=_CONFLICT
)
async def remove_account(account_id: AccountId, accounts: AccountsOfFarm) -> None:
    await accounts.remove(account_id)


@router.delete(
    "/accounts/{account_id}/sessions", operation_id="endSessionsOfAccount", status_code=204
)
async def end_sessions_of_account(account_id: AccountId, accounts: AccountsOfFarm) -> None:
    await accounts.end_sessions(account_id)


@router.get("/accounts/{account_id}/tokens", operation_id="getTokensOfAccount")
async def get_tokens_of_account(account_id: AccountId, accounts: AccountsOfFarm) -> Tokens:
    return await accounts.tokens(account_id)


@router.post("/accounts/{account_id}/tokens", operation_id="createTokenOfAccount", status_code=201)
async def create_token_of_account(
    account_id: AccountId, asked: TokenRequest, caller: Caller, accounts: AccountsOfFarm
) -> NewToken:
    return await accounts.create_token(account_id, asked, caller)


@router.delete(
    "/accounts/{account_id}/tokens/{token_id}",
    operation_id="removeTokenOfAccount",
    status_code=204,
)
async def remove_token_of_account(
    account_id: AccountId, token_id: TokenId, caller: Caller, accounts: AccountsOfFarm
) -> None:
    await accounts.remove_token(account_id, token_id, caller)


@router.get("/audit", operation_id="getAudit")
async def get_audit(
    audit: AuditOfFarm,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    name: Annotated[str, Query(max_length=255)] = "",
    action: Annotated[str, Query(max_length=64)] = "",
) -> Audit:
    """Return entries of the audit, the newest first; `before` is the id of an entry."""
    return await audit.page(before, limit, name, action)


@router.get("/audit/export", operation_id="exportAudit", response_class=StreamingResponse)
async def export_audit(audit: AuditOfFarm) -> StreamingResponse:
    """Return the whole audit as lines of JSON."""
    return StreamingResponse(
        audit.export(),
        media_type="application/x-ndjson",
        headers={"content-disposition": 'attachment; filename="tablao-audit.jsonl"'},
    )
