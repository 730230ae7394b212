"""One seed from its start to its rest: a deployment, people who use it, and what goes wrong meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, TypeVar

from engine.app.records import FINAL, HistoryRow, NewDelivery
from engine.app.versions import ProjectVersion, Version
from engine.core.codec import definition_to_json, digest
from engine.core.project import Person, Project
from engine.errors import HeadraceError, Unavailable
from tests.simulation import broker, workflows
from tests.simulation.faults import ASKED_TO_END, Plan, Weather, draw
from tests.simulation.kernel import MS, SECOND, Endless, Kernel, Process, Task
from tests.simulation.ledger import Ledger, Work
from tests.simulation.memory.readers import MemoryDefinitions, MemoryReader
from tests.simulation.memory.tables import Tables
from tests.simulation.nodes import ROLES, Node, Part
from tests.simulation.polls import Polls
from tests.simulation.ports import Doors
from tests.simulation.threads import Event

START = 1_900_000_000_000
LONGEST = 14 * 24 * 3600
"""Virtual seconds from the end of the faults, after which everything must be over: waits of a day may follow each other."""
SETTLE = 60.0
"""Seconds after the last fault for which processes may still be starting and leases running out."""
LAYOUTS = (
    ("combined", "combined", "api", "relay", "scheduler", "scheduler"),
    ("tasks", "tasks", "notifications", "notifications", "api", "relay", "scheduler"),
    ("combined", "tasks", "notifications", "api", "api", "relay", "scheduler", "scheduler"),
)
PEOPLE = Project(
    people={name: Person(name=name, emails=(f"{name}@example.com",)) for name in workflows.PEOPLE}
).to_json()

Answer = TypeVar("Answer")


class NoAnswer(Exception):
    """The connection broke, or took too long."""


@dataclass(slots=True)
class Running:
    """A process that runs, and what it is for."""

    role: str
    process: Process
    node: Node
    part: Part | None
    reader: str


class World:
    """Everything of one run. `limit` leaves faults out of those that the seed has."""

    def __init__(self, seed: int, limit: Callable[[Plan], Plan], like: World | None = None) -> None:
        """`like` has run the same seed, with other faults: its workflows serve again."""
        script = Random(f"script {seed}")
        self.seed = seed
        if like is None:
            self.family = workflows.family(script)
            self.versions = _versions(self.family)
            self._written = script.getstate()
        else:
            self.family, self.versions = like.family, like.versions
            script.setstate(like._written)
        self.layout = script.choice(LAYOUTS)
        self.plan = limit(draw(script))
        self.script = script
        self.kernel = Kernel(Random(f"run {seed}"), START)
        self.weather = Weather(self.kernel, self.plan)
        self.redis = broker.Redis(self.kernel, self.weather)
        self.ledger = Ledger()
        self.ahead = 0
        """Milliseconds by which the database's clock was set forward."""
        self.tables = Tables(lambda: self.kernel.ms + self.ahead, self._draw_id, self._wait_for_row)
        self.outside = Process("world")
        self.nodes: list[Running] = []
        self.quiet = False
        self.clients = 0
        """People who have not got what they wanted."""
        self._names = 0
        self.polls = Polls(self.kernel, self.tables, self.redis)
        self.weather.changed = self.polls.changed
        self._load()

    def spawn(self, act: Callable[[], object], name: str = "") -> Task:
        """Something outside the system."""
        return self.kernel.spawn(self.outside, act, name)

    def boot(self, role: str) -> None:
        """A process of this role begins."""
        self._names += 1
        name = f"{role}-{self._names}"
        process = Process(name)
        doors = Doors(self.weather, process, self.tables)
        reader = broker.connect(self.redis, process, name)
        node = Node(doors, reader, name=name, work=Work(self.ledger), tell=self.told)
        running = Running(role=role, process=process, node=node, part=None, reader=name)
        self.nodes.append(running)
        if role == "scheduler":
            process.horizon = lambda: self.polls.scheduler(node.scheduler)
        elif role == "relay":
            process.horizon = self.polls.relay

        def begin() -> None:
            running.part = ROLES[role](node)
            if running.part is not None:
                running.part.start()

        self.kernel.spawn(process, begin, "main")
        process.ended.append(lambda: self.spawn(lambda: self._replace(running), f"supervisor of {name}"))

    def ask(self, act: Callable[[Node], Answer]) -> Answer:
        """A request to the API. Raises NoAnswer, HeadraceError."""
        self.ledger.asked += self.quiet
        alive = [one for one in self.nodes if one.role == "api" and one.process.alive]
        if not alive:
            raise NoAnswer
        node, done, box = self.kernel.random.choice(alive), Event(), []

        def work() -> None:
            try:
                box.append((act(node.node), None))
            except HeadraceError as error:
                box.append((None, error))
            finally:
                done.set()

        self.kernel.spawn(node.process, work, "request")
        done.wait(30.0)
        if not box:
            raise NoAnswer
        answer, error = box[0]
        self.ledger.answered += self.quiet and not isinstance(error, Unavailable)
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]  # it is what `act` gave

    def insist(self, act: Callable[[Node], Answer]) -> Answer:
        """Ask again until there is an answer, as people and programs do. Raises HeadraceError but not Unavailable."""
        while True:
            try:
                return self.ask(act)
            except (NoAnswer, Unavailable):
                self.kernel.sleep(self.kernel.random.randrange(SECOND, 3 * SECOND))

    def new_delivery(self, key: str) -> NewDelivery:
        """One more call with this key."""
        name = self._draw_id()
        return NewDelivery(
            id=name, source=workflows.HUB, provider="hmac", event="x", headers={}, body=b"{}", keys=((key, 24),)
        )

    def told(self, message: Any) -> None:
        """Somebody got a mail; see `tests.simulation.people`."""

    def pause(self, seconds: float) -> None:
        """For somebody outside."""
        self.kernel.sleep(int(seconds * SECOND))

    def run(self) -> None:
        """To the rest. Raises Endless, and whatever kills a thread of the engine."""
        for role in self.layout:
            self.boot(role)
        self.spawn(self._fate, "fate")
        limit = self.kernel.now + int((self.plan.lasts + LONGEST) * SECOND)
        self.kernel.run(limit)
        if self.kernel.now > limit:
            raise Endless("it is not over after a long time")

    def unfinished(self) -> list[str]:
        """Instances that have not ended."""
        return [row.id for row in self.tables.instances.values() if row.state not in FINAL]

    @cached_property
    def histories(self) -> Mapping[str, Sequence[HistoryRow]]:
        """What each instance took, to be read when everything has come to rest."""
        reader = MemoryReader(self.tables)
        return {instance: reader.history(instance, limit=1_000_000) for instance in self.tables.instances}

    def _load(self) -> None:
        for version in self.versions:
            self.tables.parsed[version.digest] = version.document  # that it reads back is held elsewhere
        project = ProjectVersion(source="s", commit="c" * 40, document=PEOPLE)
        MemoryDefinitions(self.tables).load(self.versions, project)

    def _draw_id(self) -> str:
        return f"{self.kernel.random.getrandbits(64):016x}"

    def _wait_for_row(self, free: Callable[[], bool], timeout: int) -> bool:
        until = self.kernel.now + timeout * MS
        while not free() and self.kernel.now < until:
            self.kernel.sleep(self.kernel.random.randrange(MS, 20 * MS))
        return free()

    def _replace(self, running: Running) -> None:
        """Start another one for a process that has died."""
        self.nodes.remove(running)
        self.redis.bury(running.reader)
        self.pause(self.kernel.random.choice((0.2, 1.0, 5.0, 20.0)) if not self.quiet else 0.2)
        self.boot(running.role)

    def _fate(self) -> None:
        """What is planned to go wrong does; then nothing more."""
        plan = self.plan
        happen: list[tuple[float, Callable[[], None]]] = []
        happen += [(at, self._crash) for at in plan.crashes]
        happen += [(at, self._stop) for at in plan.stops]
        happen += [(at, self._wipe) for at in plan.wipes]
        happen += [(at, lambda length=length: self._freeze(length)) for at, length in plan.freezes]  # type: ignore[misc]
        happen += [(at, lambda by=by: self._jump(by)) for at, by in plan.jumps]  # type: ignore[misc]
        for what, spans in (("broker", plan.broker_away), ("database", plan.database_away)):
            for at, length in spans:
                happen.append((at, lambda what=what: self._away(what, True)))  # type: ignore[misc]
                happen.append((at + length, lambda what=what: self._away(what, False)))  # type: ignore[misc]
        past = 0.0
        for _, (at, act) in sorted(enumerate(happen), key=lambda one: (one[1][0], one[0])):
            self.pause(max(at - past, 0))
            past = max(past, at)
            act()
        self.pause(max(plan.lasts - past, 0))
        self.weather.clear()
        for one in self.nodes:
            one.process.frozen_until = 0
        self.kernel.note("nothing goes wrong from now on")
        self.tables.active.pop(workflows.CLOCK, None)  # its file is deleted, or it would go on for ever
        self.polls.changed()
        self.pause(SETTLE)
        self.quiet = True

    def _pick(self) -> Running | None:
        alive = [one for one in self.nodes if one.process.alive]
        return self.kernel.random.choice(alive) if alive else None

    def _crash(self) -> None:
        victim = self._pick()
        if victim is not None:
            self.weather.count(f"{victim.role} killed")
            self.kernel.kill(victim.process)

    def _freeze(self, seconds: float) -> None:
        victim = self._pick()
        if victim is not None:
            self.weather.count(f"{victim.role} stopped for a while")
            victim.process.frozen_until = self.kernel.now + int(seconds * SECOND)
            if victim.process.frozen_until - self.kernel.now > broker.DEAD_AFTER:
                self.redis.bury(victim.reader)

    def _wipe(self) -> None:
        self.redis.wipe()
        self.polls.changed()

    def _jump(self, seconds: float) -> None:
        self.weather.count("clock set")
        self.ahead += int(seconds * 1_000)
        self.polls.changed()

    def _stop(self) -> None:
        """SIGTERM: it ends in good order."""
        victim = self._pick()
        if victim is None or victim.part is None:
            return
        self.weather.count(f"{victim.role} {ASKED_TO_END}")
        part = victim.part

        def end() -> None:
            part.stop(25.0)
            victim.node.broker.close()
            self.kernel.kill(victim.process)

        self.kernel.spawn(victim.process, end, "end")

    def _away(self, what: str, away: bool) -> None:
        self.weather.away[what] = away
        self.weather.count(f"{what} {'goes away' if away else 'is back'}")


def _versions(family: workflows.Family) -> list[Version]:
    """The workflows as the definitions DB has them."""
    found = []
    for name, definition in family.definitions.items():
        document = definition_to_json(definition)
        made = Version(
            id=f"v-{name}",
            workflow=name,
            digest=digest(document),
            source="s",
            commit="c" * 40,
            path=f"{name}.yaml",
            author_name="ana",
            author_email="ana@example.com",
            committed_at=0,
            text="",
            document=document,
        )
        found.append(made)
    return found
