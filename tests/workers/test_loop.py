"""Loops go on, whatever happens, and end when asked."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from engine.errors import Unavailable
from engine.workers.inbox import Inbox
from engine.workers.loop import AWAY, LONGEST, Loop
from engine.workers.pace import Pace
from engine.workers.patience import GivenUp, Patience
from engine.workers.run import stop
from tests.servers import wait_until


class Rounds:
    """Gives or raises one answer after another, then None for ever."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.count = 0

    def __call__(self):
        self.count += 1
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_loop_goes_on_at_once_while_there_is_more():
    rounds = Rounds(500, 500, 3, 0)
    loop = Loop("test", rounds, pause=60)
    loop.start()
    wait_until(lambda: rounds.count == 4, what="all rounds")
    loop.stop()
    assert rounds.count == 4


def test_errors_do_not_end_a_loop():
    rounds = Rounds(Unavailable("PostgreSQL"), ValueError("a bug"), 0)
    loop = Loop("test", rounds, pause=0.001)
    loop.start()
    wait_until(lambda: rounds.count >= 4, what="the rounds after the errors")
    loop.stop()


@pytest.mark.parametrize(("error", "longest"), [(Unavailable("Redis"), AWAY), (ValueError("a bug"), LONGEST)])
def test_a_loop_looks_for_who_is_away_more_often_than_it_repeats_a_bug(error: Exception, longest: float):
    rounds = Rounds(*[error] * 12)
    loop = Loop("test", rounds, pause=1.0)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        loop._stopping = len(pauses) == 12

    loop._woken = SimpleNamespace(wait=pause, clear=lambda: None)  # type: ignore[assignment]
    loop.run()
    assert pauses == [min(2.0**failures, longest) for failures in range(1, 13)]


def test_waking_a_loop_ends_its_pause_and_so_does_stopping():
    rounds = Rounds("a report is no number of things to do")
    loop = Loop("test", rounds, pause=60)
    loop.start()
    wait_until(lambda: rounds.count == 1, what="the first round")
    loop.wake()
    wait_until(lambda: rounds.count == 2, what="the second round")
    loop.stop(5)
    assert not loop._thread.is_alive()
    loop.join()


def test_an_inbox_gives_what_has_gathered_and_ends_when_drained():
    inbox: Inbox[int] = Inbox()
    for n in range(5):
        inbox.put(n)
    assert inbox.take(3) == [0, 1, 2]
    assert inbox.take(3) == [3, 4]
    assert inbox.take(3, timeout=0.01) == []
    assert not inbox.closed
    inbox.put(5)
    inbox.close()
    assert inbox.take(3) == [5]
    assert inbox.closed
    assert inbox.take(3) == []


def test_a_pace_follows_how_long_commands_take():
    pace = Pace(threads=8)
    assert pace.window == 8
    for _ in range(50):
        pace.observe(0.0005)
    assert pace.window == 256
    pace.slow(1.0)
    assert pace.window == 8
    for _ in range(100):
        pace.observe(0.02)
    assert 8 < pace.window < 40


def test_patience_ends_only_when_the_process_stops():
    patience = Patience()
    rounds = Rounds(*[Unavailable("Redis")] * 3, "done")
    assert patience.insist("testing", rounds) == "done"

    def never():
        raise Unavailable("Redis")

    threading.Timer(0.05, patience.end, (0.1,)).start()
    with pytest.raises(GivenUp):
        patience.insist("testing", never)


def test_parts_stop_in_order_and_the_later_ones_get_their_time():
    given: list[tuple[str, bool]] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        def start(self) -> None: ...

        def stop(self, timeout: float) -> None:
            given.append((self.name, timeout <= 25))

    stop([Part("a"), Part("b"), Part("c")])
    assert given == [("a", True), ("b", True), ("c", True)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_process_in_good_order(number: signal.Signals):
    program = (
        "from engine.workers.loop import Loop\n"
        "from engine.workers.run import run\n"
        "run([Loop('a', lambda: 0)], ready=lambda: print('ready', flush=True))\n"
        "print('stopped', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert output.splitlines()[-1] == "stopped"
    assert process.returncode == 0


def test_a_signal_that_another_thread_gets_ends_a_process_as_well():
    """The main thread sleeps by then: nothing but the signal wakes it. So it is with one that comes just before it falls asleep."""
    program = (
        "import itertools, signal, threading\n"
        "from engine.workers.loop import Loop\n"
        "from engine.workers.run import run\n"
        "rounds = itertools.count()\n"
        "def once():\n"
        "    if next(rounds) == 3:\n"
        "        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "run([Loop('a', once, pause=0.1)])\n"
        "print('stopped', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines()[-1] == "stopped"
