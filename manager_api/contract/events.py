"""Our interface: what a client of the live events may say."""

from typing import Annotated

from pydantic import BaseModel, Field


class Wish(BaseModel):
    """What a client may say: topics that it wants besides those of its address, from now on."""

    also: list[Annotated[str, Field(max_length=255)]] = Field(max_length=1000)
