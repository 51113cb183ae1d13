"""The sentences that Temporal's UI shows for workflows and activities."""

import json

from workflows.domain.job.leases import Start
from workflows.domain.job.task_names import TaskNames
from workflows.domain.messages import RunKey

#: Temporal allows 400 bytes of JSON.
_LONGEST = 380
_LONGEST_NAME = 150


def summary_of_task(start: Start, names: TaskNames) -> str:
    """Return what a task's activity is; on deck also the task that it waits for."""
    index, attempt = start.ref.index, start.ref.attempt
    name = _clipped(names.of(index), _LONGEST_NAME)
    task = f"{name} (task {index})" if name else f"task {index}"
    place = f"on {_clipped(start.worker_name, _LONGEST_NAME)}"
    if start.ref.after:
        place += f", after task {RunKey.parse(start.ref.after).index}"
    return f"{task} {place}, attempt {attempt}"


def summary_of_withdrawal(question: Start, names: TaskNames) -> str:
    return _clipped(f"Withdraw unless begun: {summary_of_task(question, names)}", _LONGEST)


def summary_of_job(name: str) -> str:
    return _clipped(name, _LONGEST)


def details_of_job(job_type: str, project: str, user: str) -> str:
    """Return Markdown: a line for each fact that is known."""
    facts = {"Job type": job_type, "Project": project, "User": user}
    return "\n".join(
        f"* {what}: {_clipped(fact, _LONGEST)}" for what, fact in facts.items() if fact
    )


def _clipped(text: str, longest: int) -> str:
    """Return the text, or as much of its beginning as takes so many bytes as JSON."""
    if _size(text) <= longest:
        return text
    size = 0
    for position, character in enumerate(text):
        size += _size(character)
        if size > longest:
            return text[:position]
    return text


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) - len('""')
