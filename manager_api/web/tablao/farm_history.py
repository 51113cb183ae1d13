"""The farm's history over hours and days."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from manager_api.contract.errors import BadRequest
from manager_api.contract.farm_history import FarmHistory, HistoryBy
from manager_api.farm_history.csv_text import csv_of
from manager_api.farm_history.service import HistoryService
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Parts
from manager_api.web.responses import ERROR
from workflows.domain.farm_history import BadPeriod

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"], responses=ERROR)


async def _history(
    parts: Parts,
    start: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
    by: HistoryBy = HistoryBy.HOUR,
    zone: Annotated[str, Query(max_length=64)] = "UTC",
) -> FarmHistory:
    try:
        return await HistoryService(parts.database).history(start, end, by, zone)
    except BadPeriod as refusal:
        raise BadRequest(str(refusal)) from refusal


History = Annotated[FarmHistory, Depends(_history)]


@router.get(
    "/history",
    operation_id="getFarmHistory",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def get_farm_history(history: History) -> FarmHistory:
    """Return what the farm did from `from` to `to`, by default in the last day, in full hours.

    Days begin in the time zone `zone`. Times without a zone are in it, too.
    """
    return history


@router.get(
    "/history.csv",
    operation_id="getFarmHistoryCsv",
    dependencies=[Reading],
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def get_farm_history_csv(history: History) -> Response:
    """Return the same as a table for spreadsheets; hours and days are in `zone`."""
    name = f"farm-history-by-{history.by}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(csv_of(history), media_type="text/csv; charset=utf-8", headers=headers)
