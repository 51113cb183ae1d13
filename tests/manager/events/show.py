"""`python -m tests.manager.events.show`: the events of one job's life, by each way of listening.

The exit code is 0 only if all three heard what they should.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from manager_api.events.socket_io import event_name
from tests.manager.events.ears import Heard
from tests.manager.events.one_job import Life, after_mark, one_jobs_life

#: What a line says of an event's payload.
_TOLD = ("previous_status", "status", "priority", "activity", "steps_completed", "type", "log")


def differences(life: Life) -> list[str]:
    """Where the three did not hear the same, as far as they should; empty if they did."""
    told = after_mark(life.websocket)
    by_socket_io = [Heard(event_name(each.topic), each.payload) for each in told]
    by_mqtt = [each for each in told if not each.topic.startswith("/tasklog/")]
    found = []
    if by_socket_io != after_mark(life.socket_io):
        found.append("Socket.IO did not hear what the WebSocket heard")
    if by_mqtt != after_mark(life.mqtt):
        found.append("MQTT did not hear what the WebSocket heard")
    return found


def table(life: Life) -> Iterator[str]:
    yield f"{'topic':34} {'WS':>3} {'SIO':>4} {'MQTT':>5}  payload"
    socket_io = Counter(map(_key, life.socket_io))
    mqtt = Counter(map(_key, life.mqtt))
    for each in life.websocket:
        by_socket_io = _take(socket_io, Heard(event_name(each.topic), each.payload))
        by_mqtt = _take(mqtt, each)
        topic = each.topic.replace(life.job_id, "<job>")[:34]
        yield f"{topic:34} {'x':>3} {by_socket_io:>4} {by_mqtt:>5}  {_brief(each)}"


def counts(life: Life) -> Iterator[str]:
    yield f"{'topic':34} {'WS':>4} {'MQTT':>5}   {'Socket.IO event':16} {'SIO':>4}"
    websocket = Counter(_general(each.topic, life) for each in life.websocket)
    mqtt = Counter(_general(each.topic, life) for each in life.mqtt)
    socket_io = Counter(each.topic for each in life.socket_io)
    for topic, number in websocket.items():
        name = event_name(topic)
        both = " (two topics)" if name == "/last-rendered" else ""
        yield f"{topic:34} {number:4} {mqtt[topic]:5}   {name:16} {socket_io[name]:4}{both}"


def _key(heard: Heard) -> str:
    return repr(heard)


def _take(left: "Counter[str]", heard: Heard) -> str:
    if not left[_key(heard)]:
        return "-"
    left[_key(heard)] -= 1
    return "x"


def _general(topic: str, life: Life) -> str:
    start, _, _ = topic.rpartition("/")
    return "/tasklog/<task>" if start == "/tasklog" else topic.replace(life.job_id, "<job>")


def _brief(heard: Heard) -> str:
    payload = heard.payload
    told = [f"{name}={payload[name]!r}" for name in _TOLD if payload.get(name) not in (None, "")]
    if payload.get("was_deleted"):
        told.append("was_deleted")
    return f"{payload.get('name', '')} {' '.join(told)}".strip()[:90]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=4)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tablao-events-"))
    life = one_jobs_life(directory, options.frames)
    found = differences(life)
    lines = [*table(life), "", *counts(life), "", *(found or ["All three heard the same."])]
    sys.stdout.write("\n".join(lines) + "\n")
    if found:
        sys.exit(f"Look into {directory}")
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
