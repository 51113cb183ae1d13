"""Frames of the control channel read as they were written, and nothing else is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain import control
from workflows.domain.control import Malformed, decode, encode

WHEEL = "/api/tablao/v1/package/tablao-0.2.0-py3-none-any.whl"
MESSAGES: list[control.Message] = [
    control.Hello(1, "Tablao"),
    control.Hello(4, "Tablao", session=3, status="asleep", runs=("a.1.1.1", "b.2.1.1")),
    control.Beat({"cpu_percent": 3.5, "runs": {}}),
    control.Beat({}, clock=1_796_000_000.5),
    control.StatusReport("awake"),
    control.Progress("a.1.1.1", {"frame": 7}),
    control.Welcome(1, "w", "awake", beat_s=0.5, stop=("a.1.1.1",), settled=("b.1.1.1",)),
    control.Hello(1, "Tablao", provisioned=False),
    control.Hello(64, "T" * 255, session=2**30, runs=("a.1.1.1",) * control.MOST_RUNS),
    control.Welcome(1, "w", "awake", provision={"slots": 2}),
    control.Provisioned({"environment": {"OCIO": "/farm/config.ocio"}}),
    control.LogAck("a.1.1.1", 65536),
    control.StopRun("a.1.1.1", "canceled"),
    control.Settled("a.1.1.1"),
    control.StatusOrder("asleep", is_lazy=True),
    control.Hello(1, "Tablao", can_upgrade=True),
    control.Upgrade("0.2.0rc1+studio.4", WHEEL, 1_800_000, "0a" * 32),
    control.UpgradeReport("0.2.0", "fetching"),
    control.UpgradeReport("0.2.0", "failed", "The disk is full."),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.TYPE)
def test_messages_read_as_they_were_written(message: control.Message) -> None:
    assert decode(encode(message)) == message


@given(st.text(max_size=200), st.integers(0, 2**63), st.binary(max_size=1000))
def test_pieces_of_logs_read_as_they_were_written(key: str, offset: int, data: bytes) -> None:
    piece = control.LogPiece(key, offset, data)

    assert decode(encode(piece)) == piece


def test_what_a_newer_build_adds_is_ignored() -> None:
    assert decode('{"type": "settled", "key": "a", "why": "new"}') == control.Settled("a")
    assert decode('{"type": "news"}') is None


def test_what_an_older_build_lacks_has_a_default() -> None:
    frame = json.dumps({"type": "welcome", "session": 1, "worker_id": "w", "status": "awake"})

    assert decode(frame) == control.Welcome(1, "w", "awake")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "../0.2.0"),
        ("version", "0.2.0/.."),
        ("version", "0.2.0\n"),
        ("version", ""),
        ("version", "0" * 65),
        ("version", ".."),
        ("path", "https://elsewhere.example/tablao.whl"),
        ("path", "//elsewhere.example/api/tablao/v1/package/tablao.whl"),
        ("path", "/api/tablao/v1/package/../../v3/jobs.whl"),
        ("path", "/api/tablao/v1/package/tablao.whl?a=.whl"),
        ("path", "/api/tablao/v1/package/.whl"),
        ("path", WHEEL + "\n"),
        ("size", 0),
        ("size", control.MOST_WHEEL + 1),
        ("sha256", "0a" * 31),
        ("sha256", "0A" * 32),
        ("sha256", "../" + "0" * 61),
    ],
)
def test_an_order_to_upgrade_names_nothing_but_a_wheel_of_the_manager(
    name: str, value: str | int
) -> None:
    order = {"version": "0.2.0", "path": WHEEL, "size": 1, "sha256": "0a" * 32}

    with pytest.raises(Malformed):
        decode(json.dumps({"type": "upgrade", **order, name: value}))


@pytest.mark.parametrize(
    "report",
    [
        {"version": "../0.2.0", "state": "failed"},
        {"version": "0.2.0", "state": "done"},
        {"version": "0.2.0", "state": "failed", "reason": "r" * (control.LONGEST_REASON + 1)},
    ],
)
def test_a_report_about_an_upgrade_is_bounded(report: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        decode(json.dumps({"type": "upgrade_report", **report}))


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        "{}",
        '{"type": 3}',
        '{"type": "hello"}',
        '{"type": "hello", "slots": true, "software": ""}',
        '{"type": "hello", "slots": 1, "software": "", "runs": [1]}',
        '{"type": "hello", "slots": 0, "software": ""}',
        '{"type": "hello", "slots": -1, "software": ""}',
        '{"type": "hello", "slots": 65, "software": ""}',
        '{"type": "hello", "slots": 10000000, "software": ""}',
        '{"type": "hello", "slots": 1, "software": "", "session": -1}',
        '{"type": "hello", "slots": 1, "software": "", "session": 2147483647}',
        json.dumps({"type": "hello", "slots": 1, "software": "s" * 256}),
        json.dumps({"type": "hello", "slots": 1, "software": "", "status": "s" * 256}),
        json.dumps(
            {"type": "hello", "slots": 1, "software": "", "runs": ["a"] * (control.MOST_RUNS + 1)}
        ),
        '{"type": "beat", "statistics": 3}',
        '{"type": "log_ack", "key": "a", "offset": "0"}',
        "[" * 100_000,
        b"",
        b"\x00\xff" + bytes(8) + b"short",
        b"\x00\x01" + bytes(8) + b"\xff",
        b"\x00\x01" + bytes(8) + b"a" + bytes(control.LOG_PIECE + 1),
    ],
)
def test_everything_else_is_malformed(frame: str | bytes) -> None:
    with pytest.raises(Malformed):
        decode(frame)


@given(st.one_of(st.text(), st.binary()))
def test_no_frame_does_worse_than_being_malformed(frame: str | bytes) -> None:
    try:
        decode(frame)
    except Malformed:
        return
