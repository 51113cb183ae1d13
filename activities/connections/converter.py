"""How values travel in Temporal's messages: as Pydantic's JSON."""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_PYDANTIC = PydanticPayloadConverter()


class SharedValidators(CompositePayloadConverter):
    """Pydantic's converter, with validators that all workflows of a process share.

    Temporal's library makes a converter for each workflow that it takes into memory. Each of
    Pydantic's builds a validator of its own for each type, which was a sixth of a manager's work
    for a new job.
    """

    def __init__(self) -> None:
        super().__init__(*_PYDANTIC.converters.values())


DATA_CONVERTER = DataConverter(payload_converter_class=SharedValidators)
