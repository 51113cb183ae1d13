"""All of Flamenco's operations against a running manager: each success, each known refusal."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.contract_client import ContractClient, operations_of, read_contract
from tests.contract.known_statuses import KNOWN, NEVER
from tests.contract.scene import Scene
from tests.contract.scenes import SCENES
from tests.farm.processes import FarmProcesses

OPERATIONS = operations_of(read_contract())


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmProcesses]:
    farm = FarmProcesses(tmp_path_factory.mktemp("farm"), settings={"TABLAO_HTTP_POLL_S": "1"})
    (farm.data_dir / "scripts").mkdir(parents=True)
    (farm.data_dir / "scripts" / "broken.js").write_text("const JOB_TYPE = {;\n")
    with farm:
        yield farm


@pytest.fixture(scope="module")
def exchanged(manager: FarmProcesses) -> Iterator[ContractClient]:
    """A client that has been through everything."""
    api = ContractClient(manager.url, manager.admin)
    scene = Scene(api, manager.data_dir / "storage")
    for play in SCENES:
        play(scene)
    yield api
    api.close()


def test_there_are_57_operations_and_each_is_known() -> None:
    assert len(OPERATIONS) == 57
    assert set(KNOWN) == set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_answers_everything_that_is_documented(
    exchanged: ContractClient, name: str
) -> None:
    _, _, operation = OPERATIONS[name]
    documented = {int(status) for status in operation["responses"] if status != "default"}
    answered = {status for operation_id, status in exchanged.exchanged if operation_id == name}

    never = {status for operation_id, status in NEVER if operation_id == name}
    assert answered == KNOWN[name]
    assert documented - never <= answered


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_published_as_in_the_contract(manager: FarmProcesses, name: str) -> None:
    published = httpx.get(f"{manager.url}/api/v3/openapi3.json").json()
    method, path, theirs = OPERATIONS[name]
    ours = published["paths"][path][method]

    assert ours["operationId"] == name
    assert _parameters(theirs, read_contract(), path) <= _parameters(ours, published, path)
    assert ours.get("security") == theirs.get("security")
    assert set(ours.get("requestBody", {}).get("content", {})) == set(
        theirs.get("requestBody", {}).get("content", {})
    )


def test_parameters_of_our_own_can_be_left_out(manager: FarmProcesses) -> None:
    published = httpx.get(f"{manager.url}/api/v3/openapi3.json").json()
    required = {
        (name, each["name"])
        for name, (method, path, theirs) in OPERATIONS.items()
        for each in published["paths"][path][method].get("parameters", [])
        if each.get("required") and each["in"] != "path"
    }

    assert required == set()


def _parameters(operation: dict[str, Any], document: dict[str, Any], path: str) -> set[Any]:
    shared = document["paths"][path].get("parameters", [])
    return {(each["name"].lower(), each["in"]) for each in operation.get("parameters", []) + shared}
