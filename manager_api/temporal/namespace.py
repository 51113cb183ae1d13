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

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "JobName": "Keyword",
    "JobType": "Keyword",
    "Project": "Keyword",
    "User": "Keyword",
    "JobStatus": "Keyword",
    "JobPriority": "Int",
}


async def settle_namespace(client: Client, retention: timedelta) -> None:
    """Bring the client's namespace up to date. If it is up to date already, this costs two calls.

    Raises:
        RPCError: Temporal is not ready, or refuses.
    """
    await _keep_closed_workflows(client, retention)
    await _register_search_attributes(client)


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


async def _register_search_attributes(client: Client) -> None:
    # `start-dev` registers the attributes of its command line only for new namespaces.
    present = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name not in present.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
