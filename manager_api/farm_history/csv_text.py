"""The farm's history as a table for spreadsheets."""

import csv
import io
from zoneinfo import ZoneInfo

from manager_api.contract.farm_history import FarmHistory, HistoryBy, HistoryGroup
from workflows.domain.farm_history import spreadsheet_safe

_FIGURES = ("completed", "failed", "interrupted", "frames", "busy_s", "lost_s")
_OF_THE_FARM = ("available_s", "utilisation", "ready")


def csv_of(history: FarmHistory) -> str:
    """Return the rows; the head says which time zone hours and days are in."""
    of_times = history.by in (HistoryBy.HOUR, HistoryBy.DAY)
    text = io.StringIO()
    # Without quotes, a spreadsheet that separates by semicolons makes several cells of a name.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    first = f"{history.by} ({history.zone})" if of_times else str(history.by)
    columns = (*_FIGURES, *(_OF_THE_FARM if of_times else ()))
    writer.writerow([first, *columns])
    for row in history.rows:
        writer.writerow([_name(history, row), *(getattr(row, column) for column in columns)])
    return text.getvalue()


def _name(history: FarmHistory, row: HistoryGroup) -> str:
    if row.start is None:
        return spreadsheet_safe(row.name)
    form = "%Y-%m-%d" if history.by is HistoryBy.DAY else "%Y-%m-%d %H:%M"
    return row.start.astimezone(ZoneInfo(history.zone)).strftime(form)
