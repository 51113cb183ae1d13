"""Provisioned settings of the farm, platforms, tags and workers: read, checked, changed."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import BadRequest
from manager_api.contract.provisions import (
    EffectiveProvision,
    ProvisionAnswer,
    ProvisionList,
    ProvisionSettings,
)
from manager_api.database.engine import Database
from manager_api.database.tables import ProvisionRow, ProvisionScope, WorkerRow
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from workflows.domain.provisioning import Provision, merged

_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ProvisionService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> ProvisionList:
        async with self._database.reading() as session:
            rows = await provisions.all_provisions(session)
        return ProvisionList(provisions=[_answer(row) for row in rows])

    async def get(self, scope: ProvisionScope, target: str) -> ProvisionAnswer:
        async with self._database.reading() as session:
            stored = await _stored_target(session, scope, target)
            return _answer(await provisions.existing_provision(session, scope, stored))

    async def put(
        self, scope: ProvisionScope, target: str, settings: ProvisionSettings
    ) -> ProvisionAnswer:
        async with self._database.writing() as session:
            stored = await _stored_target(session, scope, target)
            return _answer(await provisions.put(session, scope, stored, settings.as_stored()))

    async def remove(self, scope: ProvisionScope, target: str) -> None:
        async with self._database.writing() as session:
            stored = await _stored_target(session, scope, target)
            await provisions.existing_provision(session, scope, stored)
            await provisions.remove(session, scope, stored)

    async def effective(self, worker_id: str) -> EffectiveProvision:
        async with self._database.reading() as session:
            worker = await workers.existing_worker(session, worker_id)
            layers = (await provisions.layers_of(session, [worker]))[worker_id]
            rows = {
                (row.scope, row.target): row for row in await provisions.all_provisions(session)
            }
        provision = merged(layers) if worker.is_provisioned else Provision()
        return EffectiveProvision(
            worker_id=worker.id,
            worker_name=worker.name,
            settings=provision.settings(),
            layers=[_answer(rows[ProvisionScope(each.scope), each.target]) for each in layers],
            notes=_notes(worker, provision),
        )


async def _stored_target(session: AsyncSession, scope: ProvisionScope, target: str) -> str:
    """Return the target as it is stored.

    Raises:
        BadRequest: the scope cannot have such a target.
        WorkerTagNotFound: the target is not a tag.
        WorkerNotFound: the target is not a worker.
    """
    match scope:
        case ProvisionScope.FARM if target == provisions.WHOLE_FARM:
            return ""
        case ProvisionScope.FARM:
            raise BadRequest(f'the farm\'s own settings are at "farm/{provisions.WHOLE_FARM}"')
        case ProvisionScope.PLATFORM if _PLATFORM.fullmatch(target):
            return target
        case ProvisionScope.PLATFORM:
            raise BadRequest('a platform is a word such as "linux", "windows" or "darwin"')
        case ProvisionScope.TAG:
            return (await tags.existing_tag(session, target.lower())).id
        case ProvisionScope.WORKER:
            return (await workers.existing_worker(session, target.lower())).id


def _answer(row: ProvisionRow) -> ProvisionAnswer:
    return ProvisionAnswer(
        scope=row.scope,
        target=row.target or provisions.WHOLE_FARM,
        settings=row.settings,
        updated=row.updated,
    )


def _notes(worker: WorkerRow, provision: Provision) -> list[str]:
    notes = []
    if not worker.is_provisioned:
        notes.append("its own settings file says that it takes no settings from the farm")
    if worker.is_http and (provision.environment or provision.slots):
        notes.append("environment and slots do not reach it: it is a Flamenco Worker")
    version = provision.blender_version
    if version is not None and version not in provision.blender:
        notes.append(f"no executable is set for Blender {version}, so its renders will fail")
    return notes
