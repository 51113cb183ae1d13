"""Turns a job's run into text and back, to carry it over a continue-as-new."""

from dataclasses import asdict
from typing import Any

from workflows.domain.job.encoding import compress, decompress, encode
from workflows.domain.job.leases import GivenRun, Holding
from workflows.domain.job.run import JobRun
from workflows.domain.messages import Demand, JobSnapshot, Lease, Limits, Want
from workflows.domain.statuses import JobStatus


def carry(job: JobRun) -> str:
    """Return the run's state without its unwritten changes; call `next_write` for those before."""
    return compress(
        {
            "job_id": job.job_id,
            "run": job.run,
            "status": job.status,
            "priority": job.priority,
            "sequence": job.sequence,
            "limits": asdict(job.limits),
            "tasks": encode(job.tasks.columns),
            "task_names": job.task_names.text,
            "excluded": [[index, sorted(who)] for index, who in job.tasks.excluded.items()],
            "blocked": sorted(job.failures.blocked),
            "accidents": list(job.failures.accidents.items()),
            "machines": [[index, sorted(who)] for index, who in job.failures.machines.items()],
            "failed_on": list(job.failures.failed_on.items()),
            "demand": asdict(job.demand),
            "generations": job.generations,
            "answered": job.answered,
            "is_finished": job.is_finished,
            "last_offer": job.leases.last_offer,
            "run_times": job.decks.run_times.recent,
            "leases": [_pack(holding) for holding in job.leases],
        }
    )


def restore(text: str) -> JobRun:
    """Return the run that `carry` stored.

    The activities of the earlier workflow run cannot be reached any more: call
    `offer_everything_again` afterwards.
    """
    state = decompress(text)
    job = JobRun(
        JobSnapshot(
            state["job_id"],
            state["run"],
            JobStatus(state["status"]),
            state["priority"],
            state["tasks"],
            sequence=state["sequence"],
            blocked=tuple((worker, kind) for worker, kind in state["blocked"]),
            limits=Limits(**state["limits"]),
            task_names=state.get("task_names", ""),  # an older build carried none
        )
    )
    job.tasks.excluded = {index: set(workers) for index, workers in state["excluded"]}
    job.failures.accidents.update(dict(state["accidents"]))
    # An older build carried no machines.
    job.failures.machines = {i: set(workers) for i, workers in state.get("machines", ())}
    job.failures.failed_on.update(dict(state["failed_on"]))
    job.demand = _demand(state["demand"])
    job.generations = state["generations"]
    job.answered = state["answered"]
    job.is_finished = state["is_finished"]
    job.leases.last_offer = state["last_offer"]
    for seconds in state.get("run_times", ()):  # an older build carried none
        job.decks.run_times.add(seconds)
    for packed in state["leases"]:
        holding = _unpack(packed)
        job.leases.add(holding)
        for run in holding.runs:
            job.tasks.hold(run.index)
    job.tasks.has_grown = False
    return job


def _demand(state: dict[str, Any]) -> Demand:
    wants = (
        Want(w["task_type"], w["count"], tuple(w["blocked"]), tuple(w["failed"]))
        for w in state["wants"]
    )
    return Demand(state["version"], tuple(wants))


def _pack(holding: Holding) -> dict[str, Any]:
    return {
        "lease": asdict(holding.lease),
        "live": asdict(holding.live) if holding.live else None,
        "is_recalled": holding.is_recalled,
        "deck": asdict(holding.deck) if holding.deck else None,
        "is_unresponsive": holding.is_unresponsive,
        "end_reason": holding.end_reason,
    }


def _unpack(packed: dict[str, Any]) -> Holding:
    lease = packed["lease"] | {"task_types": tuple(packed["lease"]["task_types"])}
    return Holding(
        Lease(**lease),
        _given(packed["live"]),
        packed["is_recalled"],
        # An older build carried none of the following.
        _given(packed.get("deck")),
        packed.get("is_unresponsive", False),
        packed.get("end_reason", ""),
    )


def _given(packed: dict[str, Any] | None) -> GivenRun | None:
    return GivenRun(**packed) if packed else None
