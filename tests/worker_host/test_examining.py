"""The doctor of a machine is asked through the manager: one look at a time, no report is lost."""

import asyncio
from collections.abc import Mapping
from typing import Any

from worker_host.examining import DOCTOR, Examining
from workflows.domain.control import Examined
from workflows.domain.doctor import fine, told

REPORT = told([fine("memory", "Enough is free.")], "1.0")


class Channel:
    def __init__(self) -> None:
        self.is_open = True
        self.said: list[Examined] = []

    async def send(self, message: Examined) -> bool:
        if self.is_open:
            self.said.append(message)
        return self.is_open


class Machine:
    def __init__(self) -> None:
        self.looks = 0
        self.looking = asyncio.Event()
        self.may_end = asyncio.Event()

    async def examine(self) -> Mapping[str, Any]:
        self.looks += 1
        self.looking.set()
        await self.may_end.wait()
        return REPORT


async def test_a_second_request_shares_the_look_that_goes_on() -> None:
    channel, machine = Channel(), Machine()
    examining = Examining(machine.examine, channel.send)
    first = asyncio.create_task(examining.carry_out())
    await machine.looking.wait()

    await examining.carry_out()
    machine.may_end.set()
    await first

    assert (machine.looks, channel.said) == (1, [Examined(REPORT)])


async def test_a_report_that_could_not_be_sent_is_sent_once_the_farm_listens() -> None:
    channel, machine = Channel(), Machine()
    machine.may_end.set()
    channel.is_open = False
    examining = Examining(machine.examine, channel.send)
    await examining.carry_out()
    assert channel.said == []
    channel.is_open = True

    await examining.welcomed()
    await examining.welcomed()

    assert channel.said == [Examined(REPORT)]


async def test_a_doctor_that_fails_is_a_finding_and_can_be_asked_again() -> None:
    async def fails() -> Mapping[str, Any]:
        raise OSError("the disk is full")

    channel = Channel()
    examining = Examining(fails, channel.send)
    await examining.carry_out()
    await examining.carry_out()

    assert len(channel.said) == 2
    channel.said[0].check()
    (check,) = channel.said[0].report["checks"]
    assert (check["id"], check["state"]) == (DOCTOR, "broken")
    assert "the disk is full" in check["sentence"]
