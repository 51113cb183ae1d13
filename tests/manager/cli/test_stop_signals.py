"""A signal to stop counts once, and cuts off no step that must be whole."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from manager_api.cli.stop_signals import interrupt_once, signals_held

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("first", SIGNALS)
def test_the_first_signal_interrupts_and_no_other_one_does(first: signal.Signals) -> None:
    interrupt_once()

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(first)
    for number in SIGNALS:
        signal.raise_signal(number)


def test_what_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    interrupt_once()

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_held_signals_take_effect_at_the_end() -> None:
    interrupt_once()
    steps = []

    def make_steps() -> None:
        with signals_held():
            signal.raise_signal(signal.SIGTERM)
            with signals_held():
                signal.raise_signal(signal.SIGHUP)
            steps.append("whole")

    with pytest.raises(KeyboardInterrupt):
        make_steps()
    assert steps == ["whole"]


def test_a_signal_that_another_thread_has_received_interrupts() -> None:
    program = (
        "import signal, threading\n"
        "from manager_api.cli.stop_signals import interrupt_once, wait_for_signal\n"
        "interrupt_once()\n"
        "def receive():\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "    threading.Event().wait()\n"
        "threading.Timer(0.5, receive).start()\n"
        "try:\n"
        "    wait_for_signal()\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', flush=True)\n"
        "    os._exit(0)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", f"import os\n{program}"], capture_output=True, text=True, timeout=120
    )

    assert ended.stdout == "stopped\n", ended.stderr
