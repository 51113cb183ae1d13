"""Sets up the Temporal namespace: how long closed workflows are kept, and search attributes."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "JobName": "Keyword",
    "JobType": "Keyword",
    "Project": "Keyword",
    "User": "Keyword",
    "JobStatus": "Keyword",
    "JobPriority": "Int",
}
_TYPES = {
    name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{type_.upper()}")
    for name, type_ in SEARCH_ATTRIBUTES.items()
}


#: Answers of a Temporal that has not the namespace, or does not let the manager change it.
_REFUSALS = frozenset(
    {
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.FAILED_PRECONDITION,
    }
)


class NotSetUp(Exception):
    """Temporal lacks something that jobs need. The message is for the user, and says what to do."""


async def settle_namespace(client: Client, retention: timedelta) -> None:
    """Bring the client's namespace up to date. If it is up to date already, this costs two calls.

    Raises:
        RPCError: Temporal is not ready, or refuses.
    """
    await _keep_closed_workflows(client, retention)
    await register_search_attributes(client)


async def _keep_closed_workflows(client: Client, retention: timedelta) -> None:
    # `start-dev` sets a retention of one day and has no option for another.
    present = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    if present.config.workflow_execution_retention_ttl.ToTimedelta() == retention:
        return
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=client.namespace, config=config)
    )


async def register_search_attributes(client: Client) -> None:
    """Register the attributes that the client's namespace lacks.

    Raises:
        NotSetUp: a person has to do it.
        RPCError: Temporal is not ready.
    """
    try:
        # `start-dev` registers the attributes of its command line only for new namespaces.
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        _check_types(client.namespace, answer.custom_attributes)
        missing = {n: t for n, t in _TYPES.items() if n not in answer.custom_attributes}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return  # another manager has just registered them
        if error.status in _REFUSALS:
            raise NotSetUp(_advice(client.namespace, error)) from error
        raise


def missing_attributes(present: Mapping[str, IndexedValueType.ValueType]) -> list[str]:
    """Return the names of attributes that a namespace lacks, or has with another type."""
    return [name for name, type_ in _TYPES.items() if present.get(name) != type_]


def _check_types(namespace: str, present: Mapping[str, IndexedValueType.ValueType]) -> None:
    wrong = [name for name, type_ in _TYPES.items() if present.get(name, type_) != type_]
    if wrong:
        raise NotSetUp(
            f"The namespace {namespace} of Temporal has search attributes of other programs: "
            f"{', '.join(wrong)}. Give the farm a namespace of its own (temporal_namespace)."
        )


def _advice(namespace: str, error: RPCError) -> str:
    if error.status is RPCStatusCode.NOT_FOUND:
        return (
            f"Temporal has no namespace {namespace}. Run: "
            f"temporal operator namespace create --namespace {namespace}"
        )
    return (
        f"Temporal does not let the manager register search attributes ({error}). Without them no "
        f"job starts. Run: {registration_command(namespace)}"
    )


def registration_command(namespace: str) -> str:
    """Return the command that registers all search attributes."""
    options = [f"--name {name} --type {type_}" for name, type_ in SEARCH_ATTRIBUTES.items()]
    command = f"temporal operator search-attribute create --namespace {namespace}"
    return " ".join([command, *options])
