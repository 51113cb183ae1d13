"""Describes the manager to workers that found it by SSDP."""

from xml.sax.saxutils import escape

from fastapi import APIRouter
from fastapi.responses import Response

from manager_api.contract.errors import NotFound
from manager_api.discovery.ssdp_messages import DESCRIPTION_PATH, DEVICE, SERVICE_TYPE
from manager_api.version import NAME, VERSION
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts

router = APIRouter(dependencies=[Anybody], include_in_schema=False)

_DESCRIPTION = """<?xml version="1.0" encoding="utf-8"?>
<root xmlns="urn:schemas-upnp-org:device-1-0">
  <specVersion><major>1</major><minor>1</minor></specVersion>
  <device>
    <deviceType>{service_type}</deviceType>
    <friendlyName>{name}</friendlyName>
    <manufacturer>{product}</manufacturer>
    <modelName>{product}</modelName>
    <modelNumber>{version}</modelNumber>
    <UDN>uuid:{device}</UDN>
    <presentationURL>{page}</presentationURL>
  </device>
</root>
"""


@router.get(DESCRIPTION_PATH)
async def description(parts: Parts) -> Response:
    if not parts.settings.autodiscoverable:
        raise NotFound("this manager is not discoverable")
    content = _DESCRIPTION.format(
        service_type=SERVICE_TYPE,
        name=escape(parts.settings.manager_name),
        product=NAME,
        version=VERSION,
        device=DEVICE,
        page=f"{parts.settings.public_path}/",
    )
    return Response(content, media_type="text/xml")
