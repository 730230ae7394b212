"""Those who use the system: they start, decide, pause, cancel, retry and publish, and ask again until they are answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from engine.app.records import FINAL
from engine.errors import Conflict, Forbidden, HeadraceError
from tests.simulation.nodes import Node
from tests.simulation.workflows import BEGIN
from tests.simulation.world import SETTLE, NoAnswer, World


class People:
    """What happens from outside in one run, drawn from its script."""

    def __init__(self, world: World) -> None:
        self.world = world
        script: Random = world.script
        names = [name for name in world.family.definitions if name in ("first", "second")]
        span = min(world.plan.lasts, 60.0) or 20.0
        self.steady = world.family.steady
        self._starts = [(f"k{n}", script.choice(names), script.uniform(0, span)) for n in range(script.choice((1, 2)))]
        self._last = script.choice(names)
        self._meddling = [
            (act, script.uniform(1, span))
            for act, chance in (
                (self._pause, 0.25),
                (self._cancel, 0.0 if self.steady else 0.35),
                (self._retry, 0.0 if self.steady else 0.35),
                (self._go, 0.0 if self.steady else 0.9),
                (self._go, 0.0 if self.steady else 0.9),
                (self._begin, 0.2),
                (self._deliver, 0.3),
            )
            if script.random() < chance
        ]
        self._takes = [script.choice((0.0, 2.0, 40.0)) for _ in range(4)]
        self._letters = 0
        world.told = self.told  # type: ignore[method-assign]

    def begin(self) -> None:
        """Everybody goes about their business."""
        for key, workflow, at in self._starts:
            self._later(at, lambda key=key, workflow=workflow: self._start(key, workflow))  # type: ignore[misc]
        for act, at in self._meddling:
            self._later(at, act)
        self._later(self.world.plan.lasts + SETTLE + 30.0, self._resume_all)
        self._later(self.world.plan.lasts + SETTLE + 60.0, lambda: self._start("last", self._last))

    def told(self, message: Any) -> None:
        """A letter with a link: the person follows it after a while."""
        token = message.links[0][1].rpartition("/")[2]
        decision = "approved" if message.text.startswith("yes") else "rejected"
        self._letters += 1
        after = self._takes[self._letters % len(self._takes)]
        self._later(after, lambda: self._decide(token, decision))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def work() -> None:
            self.world.pause(seconds)
            act()

        self.world.spawn(work)

    def _start(self, key: str, workflow: str) -> None:
        world = self.world
        world.ledger.starts[key] = None
        instance = world.insist(lambda node: node.starter.start(workflow, {}, by="ana", start_key=key))
        world.kernel.note(f"{key} was promised as {instance}")
        world.ledger.starts[key] = instance

    def _decide(self, token: str, decision: Any) -> None:
        def decide(node: Node) -> tuple[str, str]:
            approval, person = node.approver.by_token(token)
            node.approver.decide(approval.id, person=person, decision=decision, via="link")
            return approval.id, person

        try:
            decided = self.world.insist(decide)
        except (Conflict, Forbidden):  # closed, expired, or decided by an earlier letter or an answer that was lost
            return
        self.world.ledger.decided[decided] = decision

    def _some(self, states: Callable[[str], bool]) -> str | None:
        found = [row.id for row in self.world.tables.instances.values() if states(row.state)]
        return self.world.kernel.random.choice(found) if found else None

    def _cancel(self) -> None:
        instance = self._some(lambda state: state not in FINAL)
        if instance is not None and self._done(lambda node: node.canceller.cancel(instance, by="ben")):
            self.world.ledger.cancelled.add(instance)

    def _pause(self) -> None:
        instance = self._some(lambda state: state not in FINAL)
        if instance is None:
            return
        if self._done(lambda node: node.pauser.pause(instance, by="ben")):
            self.world.pause(self.world.kernel.random.choice((1.0, 30.0, 300.0)))
        with suppress(Conflict):  # it is not paused, or not any more
            while self.world.tables.instances[instance].state not in FINAL:
                self._resume(instance)

    def _resume(self, instance: str) -> None:
        self.world.insist(lambda node: node.pauser.resume(instance, by="ben"))

    def _resume_all(self) -> None:
        """A pause that nobody was answered may have come late, when nobody looked any more."""
        for row in list(self.world.tables.instances.values()):
            if row.state == "paused":
                with suppress(Conflict):
                    self._resume(row.id)

    def _retry(self) -> None:
        for _ in range(40):
            instance = self._some(lambda state: state in ("failed", "cancelled"))
            if instance is not None and self._retried(instance):
                return
            self.world.pause(5.0)

    def _retried(self, instance: str) -> bool:
        self.world.ledger.retried.add(instance)  # also if that is not acknowledged: it may have happened
        return self._done(lambda node: node.retrier.retry(instance, by="ana"))

    def _go(self) -> None:
        self._publish("go")

    def _begin(self) -> None:
        self._publish(BEGIN)

    def _publish(self, kind: str) -> None:
        name = f"e{len(self.world.ledger.events)}"
        self.world.ledger.events[name] = kind
        self.world.insist(lambda node: node.events.publish(kind, {"n": 1}, by="ana", id=name))

    def _deliver(self) -> None:
        """A git host calls, until it is answered with 2xx; each time is another call with the same key."""
        key = f"d{len(self.world.ledger.deliveries)}"

        def call(node: Node) -> str:
            made = self.world.new_delivery(key)
            [received] = node.receiver.receive([made])
            if isinstance(received, Exception):  # it may be stored all the same: the scheduler takes up what is
                raise received
            return received.result.id

        self.world.ledger.deliveries[key] = self.world.insist(call)

    def _done(self, act: Callable[[Node], None]) -> bool:
        """Try once: whether it was acknowledged. What was not may have happened all the same."""
        try:
            self.world.ask(act)
        except (NoAnswer, HeadraceError):
            return False
        return True
