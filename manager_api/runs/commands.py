"""Prepares a task's commands for one worker: replaces variables and adds RNA overrides."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from manager_api.contract.tasks import Command
from manager_api.settings.platforms import managers_platform
from workflows.domain.provisioning import VERSION_METADATA, Provision, with_named_tools
from workflows.domain.rna_overrides import with_overrides
from workflows.domain.variables import Expansion, Variables

#: Names of variables that stand for a Blender: `blender`, `blender-4.5`, `blender45`.
_IS_BLENDER = re.compile(r"blender(?!args)[\w.-]*", re.IGNORECASE)


class CommandsForWorker:
    """Prepares the commands of one job for one worker.

    Args:
        variables: the farm's variables.
        platform: the worker's platform.
        provision: the worker's provision; it wins over the farm's one-way variables.
        job_metadata: the job's metadata, which may name one of the provisioned Blender builds.
        rna_overrides: the job's RNA overrides; no variables are replaced in them.
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

    def programs(self) -> dict[str, list[str]]:
        """Return the names or paths of the programs for a task type, by task type.

        One of them is enough. A farm may have a Blender under several names.
        """
        one_way = self._expansion.one_way
        blenders = [
            value
            for name, value in one_way.items()
            if _IS_BLENDER.fullmatch(name) and value and "{" not in value
        ]
        return {
            "blender": sorted(set(map(self._expansion.text, blenders))),
            "ffmpeg": [self._expansion.text(one_way.get("ffmpeg") or "ffmpeg")],
        }

    def commands(self, stored: Iterable[dict[str, Any]]) -> list[Command]:
        """Return the commands for the worker.

        Args:
            stored: the task's commands in the database, `{name, parameters, total_step_count}`
                each.
        """
        return [self._command(command) for command in stored]

    @property
    def blender_arguments(self) -> str:
        """The arguments that each Blender of the farm gets; empty if nothing is set."""
        return self._expansion.text(self._expansion.one_way.get("blenderArgs", ""))

    def path(self, path: str) -> str:
        """Return a path of the manager's machine as it is on the worker's platform."""
        return self._expansion.text(path)

    @property
    def environment(self) -> dict[str, str]:
        """Variables to add to the commands' environment, with paths of the worker's platform."""
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
