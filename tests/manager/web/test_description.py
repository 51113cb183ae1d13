"""What the manager says of itself to who found it by SSDP."""

from xml.etree import ElementTree

import httpx
import pytest

from manager_api.settings.model import ManagerSettings

SPACE = "{urn:schemas-upnp-org:device-1-0}"
PATH = "/upnp/description.xml"


@pytest.fixture
def settings(settings: ManagerSettings) -> ManagerSettings:
    return settings.model_copy(update={"manager_name": "Bulería & <Söhne>"})


async def test_the_description_names_the_manager_and_its_service(api: httpx.AsyncClient) -> None:
    answer = await api.get(PATH)

    device = ElementTree.fromstring(answer.content).find(f"{SPACE}device")
    assert device is not None
    assert answer.headers["content-type"].startswith("text/xml")
    assert device.findtext(f"{SPACE}friendlyName") == "Bulería & <Söhne>"
    assert device.findtext(f"{SPACE}deviceType") == "urn:flamenco:manager:0"
    assert device.findtext(f"{SPACE}UDN") == "uuid:aa80bc5f-d0af-46b8-8630-23bd7e80ec4d"


class TestNotDiscoverable:
    @pytest.fixture
    def settings(self, settings: ManagerSettings) -> ManagerSettings:
        return settings.model_copy(update={"autodiscoverable": False})

    async def test_there_is_no_description(self, api: httpx.AsyncClient) -> None:
        answer = await api.get(PATH)

        assert answer.status_code == 404
        assert answer.json()["message"] == "this manager is not discoverable"
