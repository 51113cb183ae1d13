"""Inserts 100,000 rows without converting each value of each row by itself."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Column, Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

#: Values per `IN (…)`, and rows per statement. Both databases accept about 32,000 values. A piece
#: of this size blocks the event loop for some milliseconds.
IN_CHUNK = 1000


async def bulk_insert(
    session: AsyncSession,
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    same: Mapping[str, Any],
) -> None:
    """Insert rows.

    SQLAlchemy's own insert converts each value of each row by itself, which takes three times as
    long as the database's work. Here a value that all rows share is converted once.

    Args:
        session: a session that writes.
        table: the table.
        columns: the rows' values by column.
        same: values that all rows share, by column.
    """
    connection = await session.connection()
    dialect = connection.dialect
    statement = insert(table).compile(dialect=dialect, column_keys=[*columns, *same])
    in_order = [
        _stored(table.c[name], columns[name], dialect)
        if name in columns
        else repeat(*_stored(table.c[name], [same[name]], dialect))
        for name in statement.positiontup or ()
    ]
    await connection.exec_driver_sql(str(statement), list(zip(*in_order, strict=False)))


def _stored(column: Column[Any], values: Sequence[Any], dialect: Dialect) -> Sequence[Any]:
    """Return the values in the form that the driver expects."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    return values if convert is None else [convert(value) for value in values]
