"""The operations that are there are Flamenco's, and the document that we publish says so."""

from typing import Any

import httpx
import pytest

#: Of the 57 operations, those that are served by now.
SERVED = {
    "getVersion", "getConfiguration", "getFarmStatus",
    "getConfigurationFile", "updateConfigurationFile", "getVariables", "getSharedStorage",
    "checkSharedStoragePath", "findBlenderExePath", "checkBlenderExePath",
    "saveSetupAssistantConfig",
    "getJobTypes", "getJobType", "submitJob", "submitJobCheck", "fetchJob", "fetchJobs",
    "fetchJobTasks", "fetchTask", "fetchTaskLogTail", "fetchTaskLogInfo",
    "setJobStatus", "setJobPriority", "setTaskStatus",
    "deleteJob", "deleteJobMass", "deleteJobWhatWouldItDo",
    "fetchJobLastRenderedInfo", "fetchGlobalLastRenderedInfo",
    "fetchWorkers", "fetchWorker", "requestWorkerStatusChange",
    "deleteWorker", "setWorkerTags", "fetchWorkerSleepSchedule", "setWorkerSleepSchedule",
    "fetchWorkerTags", "createWorkerTag", "fetchWorkerTag", "updateWorkerTag", "deleteWorkerTag",
    "setJobTag", "fetchJobBlocklist", "removeJobBlocklist",
    "registerWorker", "signOn", "signOff", "taskOutputProduced",
    "workerState", "workerStateChanged", "scheduleTask", "taskUpdate", "mayWorkerRun",
    "shamanCheckoutRequirements", "shamanCheckout", "shamanFileStoreCheck", "shamanFileStore",
}  # fmt: skip


_published: dict[str, Any] = {}


@pytest.fixture
async def document(api: httpx.AsyncClient) -> dict[str, Any]:
    if not _published:  # making it takes a second
        _published.update((await api.get("/api/v3/openapi3.json")).json())
    return _published


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (path, method, operation)
        for path, methods in document["paths"].items()
        if path.startswith("/api/v3/")
        for method, operation in methods.items()
        if method != "parameters"
    }


def test_what_is_served_is_as_it_was_planned(document: dict[str, Any]) -> None:
    assert set(operations(document)) == SERVED


@pytest.mark.parametrize("name", sorted(SERVED))
def test_an_operation_has_flamencos_address_answers_and_security(
    document: dict[str, Any], contract: dict[str, Any], name: str
) -> None:
    path, method, ours = operations(document)[name]
    their_path, their_method, theirs = operations(contract)[name]
    # It cannot occur (Flamenco answers 400), or is one of those that have no other meaning.
    never = {"411", "415"}

    assert (path, method) == (their_path, their_method)
    assert set(theirs["responses"]) - never <= set(ours["responses"])
    assert ours.get("security") == theirs.get("security")


def fields(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    inherited: set[str] = set()
    for part in schema.get("allOf", []):
        inherited |= fields(document, part)
    return inherited | set(schema.get("properties", {}))


@pytest.mark.parametrize("name", sorted(SERVED))
def test_an_operation_has_flamencos_fields(
    document: dict[str, Any], contract: dict[str, Any], name: str
) -> None:
    *_, ours = operations(document)[name]
    *_, theirs = operations(contract)[name]

    def answered(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
        content = operation["responses"].get("200", {}).get("content", {})
        return fields(document, content.get("application/json", {}).get("schema", {}))

    def asked(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
        content = operation.get("requestBody", {}).get("content", {})
        return fields(document, content.get("application/json", {}).get("schema", {}))

    # type_etag and initial_status are never returned, although a Job is a SubmittedJob.
    is_job = name in {"submitJob", "fetchJob"}
    never = {"type_etag", "initial_status"} if is_job else set()
    # Ours, and only there for a job that has them (docs/differences-from-flamenco.md).
    added = {"owner", "tasks_stuck", "waiting"} if is_job else set()
    assert answered(document, ours) == answered(contract, theirs) - never | added
    assert asked(document, ours) == asked(contract, theirs)


async def test_the_explorer_works_without_the_internet(api: httpx.AsyncClient) -> None:
    page = await api.get("/api/v3/swagger-ui/")
    bundle = await api.get("/api/v3/swagger-ui/assets/swagger-ui-bundle.js")
    style = await api.get("/api/v3/swagger-ui/assets/swagger-ui.css")
    short = await api.get("/api/v3/swagger-ui")

    assert page.status_code == 200
    assert "https://" not in page.text
    assert "'../openapi3.json'" in page.text
    assert len(bundle.content) > 100_000
    assert len(style.content) > 10_000
    assert short.headers["location"] == "/api/v3/swagger-ui/"


async def test_422_is_documented_as_a_refusal_only(document: dict[str, Any]) -> None:
    with_422 = {
        operation.get("operationId")
        for methods in document["paths"].values()
        for operation in methods.values()
        if "422" in operation["responses"]
    }

    assert with_422 == {
        "setJobStatus",
        "setJobPriority",
        "setTaskStatus",
        "setRnaOverrides",
        "actOnJob",
        "actOnTask",
        "archiveJob",
        "deleteJob",
        "setJobProject",
        "setJobTag",  # says the document of Flamenco, which answers 406
    }
