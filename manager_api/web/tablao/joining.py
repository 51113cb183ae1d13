"""Letting workers in: join tokens, workers that wait, and the end of a worker's secret."""

from fastapi import APIRouter

from manager_api.contract.access import JoinTokenRequest, JoinTokens, NewJoinToken
from manager_api.web.auth import ChangingWorkers
from manager_api.web.dependencies import JoinTokensOfFarm, Parts, Workers
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import TokenId, WorkerId
from manager_api.web.responses import ERROR, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1",
    tags=["workers"],
    dependencies=[ChangingWorkers],
    responses=ERROR,
)


@router.get("/join-tokens", operation_id="getJoinTokens")
async def get_join_tokens(tokens: JoinTokensOfFarm) -> JoinTokens:
    return await tokens.all()


@router.post(
    "/join-tokens", operation_id="createJoinToken", status_code=201, responses=refusal(409)
)
async def create_join_token(asked: JoinTokenRequest, tokens: JoinTokensOfFarm) -> NewJoinToken:
    """Make a token with which workers register and need not wait. It is shown once."""
    return await tokens.create(asked)


@router.delete("/join-tokens/{token_id}", operation_id="removeJoinToken", status_code=204)
async def remove_join_token(token_id: TokenId, tokens: JoinTokensOfFarm) -> None:
    await tokens.remove(token_id)


@router.post("/workers/{worker_id}/admit", operation_id="admitWorker", status_code=204)
async def admit_worker(worker_id: WorkerId, workers: Workers) -> None:
    """Let a worker in that waits."""
    await workers.admit(worker_id)


@router.post(
    "/workers/{worker_id}/rotate",
    operation_id="rotateWorkerSecret",
    status_code=204,
    responses=refusal(409),
)
async def rotate_worker_secret(worker_id: WorkerId, workers: Workers, parts: Parts) -> None:
    """Give a worker's host another secret. It keeps its tasks; the old secret ends after the use of
    the new one.
    """
    await workers.order_new_secret(worker_id, is_connected=parts.is_host_connected(worker_id))


@router.post("/workers/{worker_id}/revoke", operation_id="revokeWorkerSecret", status_code=204)
async def revoke_worker_secret(worker_id: WorkerId, workers: Workers) -> None:
    """End a worker's secret and connections. Its tasks go to others; it may register again."""
    await workers.revoke(worker_id)
