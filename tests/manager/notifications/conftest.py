"""A manager whose notifications go to receivers of the tests, with short times."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from manager_api.settings.notifications import Notifications, Smtp
from tests.manager.notifications.happen import Happen
from tests.manager.notifications.receivers import MailServer, WebhookReceiver

if TYPE_CHECKING:
    from manager_api.settings.model import ManagerSettings
    from tests.manager.stand_in_farm import Farm


@pytest.fixture
def settings(settings: "ManagerSettings", mail_server: MailServer) -> "ManagerSettings":
    soon = timedelta(milliseconds=200)
    changed = {
        "notifications": Notifications(gather=soon, first_pause=soon, claim=timedelta(seconds=20)),
        "smtp": Smtp(
            host="127.0.0.1",
            port=mail_server.port,
            security="none",
            user="farm",
            password="s3cret-pw",
            sender="farm@studio.example",
        ),
    }
    return settings.model_copy(update=changed)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def happen(farm: "Farm") -> Happen:
    return Happen(farm.parts.database)
