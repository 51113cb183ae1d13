"""Files are sent along with jobs."""

import hashlib
import uuid
from typing import Any

from tests.contract.scene import NO_ID, NO_SUM, NOBODY, Scene
from tests.farm.processes import wait_until


def shaman(scene: Scene) -> None:
    call = scene.api.call
    content = uuid.uuid4().bytes * 100
    there = {"checksum": hashlib.sha256(content).hexdigest(), "filesize": len(content)}
    file = {"sha": there["checksum"], "size": there["filesize"], "path": "scene.blend"}
    missing = call("shamanCheckoutRequirements", 200, json={"files": [file]})
    assert [each["status"] for each in missing["files"]] == ["unknown"]
    call("shamanCheckoutRequirements", 400, json={})
    assert call("shamanFileStoreCheck", 200, **there) == {"status": "unknown"}
    call("shamanFileStoreCheck", 400, checksum="not-a-sum", filesize=1)
    binary = {"content-type": "application/octet-stream"}
    call("shamanFileStore", 417, content=content[1:], headers=binary, **there)
    named = {**binary, "X-Shaman-Original-Filename": "=?klingon?q?taH?="}
    call("shamanFileStore", 400, content=content, headers=named, **there)
    checkout = {"files": [file], "checkoutPath": "soleá/shot"}
    call("shamanCheckout", 424, json=checkout)
    _uploaded_twice_at_once(scene, content, there)
    call("shamanFileStore", 208, content=content, headers=binary, **there)
    path = call("shamanCheckout", 200, json=checkout)["checkoutPath"]
    assert (scene.storage / "jobs" / path / "scene.blend").read_bytes() == content
    call("shamanCheckout", 400, json={"files": [file]})
    job = scene.new_job("sent along", initial_status="paused", storage={"shaman_checkout_id": path})
    would = call("deleteJobWhatWouldItDo", 200, job_id=job["id"])
    assert would == {"shaman_checkout": True}
    call("deleteJobWhatWouldItDo", 400, job_id=NO_ID)
    call("deleteJobWhatWouldItDo", 404, job_id=NOBODY)


def _uploaded_twice_at_once(scene: Scene, content: bytes, there: dict[str, Any]) -> None:
    """The first one is still uploading when the second one comes, and may do that later."""
    headers = {"content-type": "application/octet-stream"}
    deferring = {**headers, "X-Shaman-Can-Defer-Upload": "true"}

    def hesitating() -> Any:
        yield content[:100]
        wait_until(
            lambda: scene.api.call("shamanFileStoreCheck", 200, **there)["status"] == "uploading"
        )
        scene.api.call("shamanFileStore", 425, content=content, headers=deferring, **there)
        yield content[100:]

    scene.api.call("shamanFileStore", 200, content=hesitating(), headers=headers, **there)


def without_shaman(scene: Scene) -> None:
    call = scene.api.call
    page = call("getConfigurationFile", 200)
    off = {**page, "shaman": {**page["shaman"], "enabled": False}}
    call("updateConfigurationFile", 204, json=off)
    there = {"checksum": NO_SUM, "filesize": 1}
    file = {"sha": NO_SUM, "size": 1, "path": "scene.blend"}
    call("shamanCheckoutRequirements", 503, json={"files": [file]})
    call("shamanCheckout", 503, json={"files": [file], "checkoutPath": "x"})
    call("shamanFileStoreCheck", 503, **there)
    binary = {"content-type": "application/octet-stream"}
    call("shamanFileStore", 503, content=b"x", headers=binary, **there)
    call("updateConfigurationFile", 204, json=page)
