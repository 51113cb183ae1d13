"""Our interface: the messages that a client of the live events may send."""

from typing import Annotated

from pydantic import BaseModel, Field


class Wish(BaseModel):
    """The topics that a client wants from now on, besides those of its address."""

    also: list[Annotated[str, Field(max_length=255)]] = Field(max_length=1000)
