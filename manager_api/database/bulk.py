"""Inserts a hundred thousand rows without the price of a statement's parameters for each."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Column, Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

#: Values per `IN (…)`, where both databases take some 32,000, and rows per statement. A piece of
#: this size holds the event loop for some milliseconds.
IN_CHUNK = 1000


async def bulk_insert(
    session: AsyncSession,
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    same: Mapping[str, Any],
) -> None:
    """Insert rows, given column by column; in the columns of `same` all rows are alike.

    SQLAlchemy's own way converts each value of each row by itself, which takes three times as
    long as the database does; here, what is alike is converted once.
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
    """The values as the driver takes them."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    return values if convert is None else [convert(value) for value in values]
