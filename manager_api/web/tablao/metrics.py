"""Figures for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from manager_api.metrics.snapshot import metrics
from manager_api.version import VERSION
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Parts

router = APIRouter(tags=["farm"])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    dependencies=[Reading],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def get_metrics(parts: Parts) -> Response:
    """Return the farm's figures in Prometheus's text format."""
    async with parts.database.reading() as session:
        text = await metrics(session, hosts=len(parts.hosts.connected), version=VERSION)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
