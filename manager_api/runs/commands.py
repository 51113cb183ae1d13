"""A task's commands, as one worker is to carry them out: with variables and overrides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from manager_api.contract.tasks import Command
from manager_api.settings.platforms import managers_platform
from workflows.domain.provisioning import VERSION_METADATA, Provision, with_named_tools
from workflows.domain.rna_overrides import with_overrides
from workflows.domain.variables import Expansion, Variables


class CommandsForWorker:
    """For one worker and one job.

    Args:
        platform: the worker's.
        provision: what is in force for the worker; stronger than the farm's one-way variables.
        job_metadata: may ask for one of the provisioned Blender builds.
        rna_overrides: the job's; no variables are replaced in them.
    """

    def __init__(
        self,
        variables: Variables,
        platform: str,
        provision: Provision = Provision(),  # noqa: B008 - frozen
        job_metadata: Mapping[str, str] | None = None,
        rna_overrides: Sequence[str] | None = None,
    ) -> None:
        asked = (job_metadata or {}).get(VERSION_METADATA, "")
        self._provided = provision.variables(asked)
        expansion = _expansion(variables, platform)
        one_way = {**expansion.one_way, **self._provided}
        self._expansion = replace(expansion, one_way=one_way)
        self._environment = provision.environment
        self._rna_overrides = rna_overrides or ()

    def commands(self, stored: Iterable[dict[str, Any]]) -> list[Command]:
        """
        Args:
            stored: `{name, parameters, total_step_count}` each, as the database has them.
        """
        return [self._command(command) for command in stored]

    @property
    def environment(self) -> dict[str, str]:
        """What is added to the commands' environment; paths in it are the worker's."""
        return {name: self._expansion.text(value) for name, value in self._environment.items()}

    def _command(self, stored: dict[str, Any]) -> Command:
        name = stored["name"]
        named = with_named_tools(stored["parameters"], self._provided)
        parameters = with_overrides(name, self._expansion.parameters(named), self._rna_overrides)
        return Command(
            name=name,
            parameters=dict(parameters),
            total_step_count=stored["total_step_count"],
        )


@lru_cache(maxsize=16)
def _expansion(variables: Variables, platform: str) -> Expansion:
    return variables.for_workers(platform, managers_platform())
