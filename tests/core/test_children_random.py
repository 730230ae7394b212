"""A `workflow` task in a world that loses, repeats and reorders messages: it ends in the end, and no instance is left behind."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from engine.core.commands import CancelChild, CancelTask, StartChild
from engine.core.events import (
    AttemptAlive,
    AttemptUnclaimed,
    CancelRequested,
    ChildEnded,
    ChildStarted,
    TaskCancelled,
    TimersDue,
)
from engine.core.model import Retry
from engine.core.summary import next_due
from tests.core.build import Scope, started, task

ROUNDS = 400


class Outside:
    """Queues, a worker and the other instances. Of an answer to asking again any may be lost: there will be another."""

    def __init__(self, random: Random) -> None:
        self.random = random
        retry = Retry(max_attempts=random.choice([1, 3]), delay=random.choice([0, 5_000]))
        timeout = random.choice([None, None, 30_000])
        self.scope: Scope = started(task("a", kind="workflow", workflow="x", retry=retry, timeout=timeout))
        self.children: dict[int, str] = {}
        self.marks: set[int] = set()
        self.queue: list[Any] = []
        self.publish()

    def publish(self) -> None:
        for command in self.scope.commands:
            if isinstance(command, CancelTask):
                self.marks.add(command.attempt)
            elif isinstance(command, StartChild | CancelChild):
                self.queue.append(command)

    def take(self, event: Any, after: int = 0, **keys: Any) -> None:
        self.scope.take(event, after=after, **keys)
        self.publish()

    def end(self, attempt: int, outcome: str) -> None:
        self.children[attempt] = outcome
        self.queue.append((ChildEnded, {"attempt": attempt, "child": f"c{attempt}", "outcome": outcome}))

    def deliver(self, *, faulty: bool) -> None:
        message = self.queue.pop(self.random.randrange(len(self.queue)) if faulty else 0)
        if faulty and self.random.random() < 0.2:
            self.queue.append(message)  # once more
        if faulty and not isinstance(message, CancelChild) and self.random.random() < 0.3:
            return  # lost
        if isinstance(message, tuple):
            self.take(message[0], task="a", **message[1])
        elif isinstance(message, StartChild):
            self.start(message.attempt)
        else:
            self.cancel(message.attempt)

    def start(self, attempt: int) -> None:
        state = self.children.get(attempt)
        if state is None:
            if attempt in self.marks:
                self.queue.append((TaskCancelled, {"attempt": attempt}))
                return
            state = self.children[attempt] = "running"
        if state == "running":
            self.queue.append((ChildStarted, {"attempt": attempt, "child": f"c{attempt}"}))
        else:
            self.end(attempt, state)

    def cancel(self, attempt: int) -> None:
        state = self.children.get(attempt)
        if state is not None:
            self.end(attempt, "cancelled" if state == "running" else state)

    def tick(self) -> None:
        """The next timer is due."""
        assert self.scope.state is not None
        due = next_due(self.scope.state)
        if due is None:
            return
        after = max(0, due - self.scope.now)
        check = self.scope.run("a").get("timers", {}).get("check")
        if check is not None and check <= self.scope.now + after:
            verdict = AttemptAlive if self.random.random() < 0.2 else AttemptUnclaimed
            self.take(verdict, after=after, task="a", attempt=self.scope.run("a")["attempt"])
        else:
            self.take(TimersDue, after=after)

    def something(self) -> None:
        dice = self.random.random()
        if dice < 0.6 and self.queue:
            self.deliver(faulty=True)
        elif dice < 0.7 and self.running:
            self.end(self.running[0], self.random.choice(["succeeded", "failed"]))
        elif dice < 0.8:
            self.take(CancelRequested, by="ben")
        else:
            self.tick()

    def go_on(self) -> None:
        if self.queue:
            self.deliver(faulty=False)
        elif self.running:
            self.end(self.running[0], "succeeded")
        else:
            self.tick()

    @property
    def running(self) -> list[int]:
        return [attempt for attempt, state in self.children.items() if state == "running"]

    @property
    def over(self) -> bool:
        assert self.scope.state is not None
        return self.scope.state["status"] == "settled"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_it_ends_and_leaves_nothing_behind(seed: int):
    random = Random(seed)
    outside = Outside(random)
    for _ in range(random.randrange(30)):
        if not outside.over:
            outside.something()
    for _ in range(200):  # from now on nothing is lost
        if not outside.over:
            outside.go_on()
    assert outside.over, "it never ends"
    while outside.queue:
        outside.deliver(faulty=False)
    assert outside.running == []
    if outside.scope.status("a") == "succeeded":
        assert "succeeded" in outside.children.values()
