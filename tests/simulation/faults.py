"""What goes wrong, drawn from the seed: each seed has faults of its own kinds and rates, so that all kinds meet each other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from random import Random

from engine.errors import Unavailable
from tests.simulation.kernel import MS, SECOND, Crashed, Kernel, Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Chances of what may go wrong, each for one call or one message."""

    refused: float = 0.0
    """Nothing happens, and the caller is told."""
    unanswered: float = 0.0
    """It happens, and the caller is told that it did not answer."""
    crash: float = 0.0
    """The process dies before it happens, or just after."""
    slow: float = 0.0
    """It takes seconds."""
    dropped: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    """A message that others overtake."""


NONE = Rates()

ASKED_TO_END = "asked to end"
"""How what happened to a process that ended in good order is told."""

AS_GOOD_AS_LOST = 20 * SECOND
"""How late a message is that whoever looks after lost ones may ask for again; what comes sooner has to be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The faults of one seed. Times in seconds from the start."""

    database: Rates = NONE
    broker: Rates = NONE
    lasts: float = 0.0
    crashes: tuple[float, ...] = ()
    freezes: tuple[tuple[float, float], ...] = ()
    """When, and for how long."""
    wipes: tuple[float, ...] = ()
    broker_away: tuple[tuple[float, float], ...] = ()
    database_away: tuple[tuple[float, float], ...] = ()
    stops: tuple[float, ...] = ()
    """Processes that are asked to end, and do."""
    jumps: tuple[tuple[float, float], ...] = ()
    """The database's clock is set forward, or back, by so many seconds."""


KINDS = (
    *(f"database.{kind}" for kind in ("refused", "unanswered", "crash", "slow")),
    *(f"broker.{kind}" for kind in ("refused", "unanswered", "crash", "slow", "dropped", "doubled", "late")),
    *("crashes", "freezes", "wipes", "broker_away", "database_away", "stops", "jumps"),
)
"""All kinds of faults by name."""


def only(plan: Plan, kinds: Collection[str]) -> Plan:
    """The plan without faults of other kinds."""
    rates = {
        name: replace(getattr(plan, name), **{f.name: 0.0 for f in fields(Rates) if f"{name}.{f.name}" not in kinds})
        for name in ("database", "broker")
    }
    none = {kind: () for kind in KINDS if "." not in kind and kind not in kinds}
    return replace(plan, **rates, **none)  # type: ignore[arg-type]  # each by its name


def draw(random: Random) -> Plan:
    """Half of the kinds are left out of each plan; what is in is rare or frequent."""
    lasts = random.choice([20.0, 60.0, 120.0])

    def chance(*levels: float) -> float:
        return random.choice(levels) if random.random() < 0.5 else 0.0

    def moments(most: int) -> tuple[float, ...]:
        return tuple(random.uniform(0, lasts) for _ in range(random.randrange(most))) if random.random() < 0.5 else ()

    def spans(most: int, *lengths: float) -> tuple[tuple[float, float], ...]:
        return tuple((at, random.choice(lengths)) for at in moments(most))

    database = Rates(
        refused=chance(0.005, 0.05),
        unanswered=chance(0.005, 0.05),
        crash=chance(0.001, 0.005),
        slow=chance(0.005, 0.05),
    )
    broker = Rates(
        refused=chance(0.005, 0.05),
        unanswered=chance(0.005, 0.05),
        crash=chance(0.001, 0.005),
        slow=chance(0.005, 0.05),
        dropped=chance(0.01, 0.1, 0.3),
        doubled=chance(0.01, 0.1, 0.3),
        late=chance(0.01, 0.1, 0.3),
    )
    return Plan(
        database=database,
        broker=broker,
        lasts=lasts,
        crashes=moments(6),
        freezes=spans(3, 3.0, 20.0, 45.0),
        wipes=moments(3),
        broker_away=spans(3, 2.0, 8.0, 40.0),
        database_away=spans(3, 2.0, 8.0, 30.0),
        stops=moments(4),
        jumps=tuple((at, random.choice((5.0, -5.0, -60.0, 3600.0, -3600.0))) for at in moments(3)[:2]),
    )


class Weather:
    """The faults as they are now. All calls of all processes to database and broker pass through here."""

    def __init__(self, kernel: Kernel, plan: Plan) -> None:
        self._kernel = kernel
        self._random = kernel.random
        self.plan = plan
        self.rates = {"database": plan.database, "broker": plan.broker}
        self.away = {"database": False, "broker": False}
        self.happened: dict[str, int] = {}
        self.changed: Callable[[], None] = lambda: None
        """Hears of every write that may change what is due."""

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self.rates = {"database": NONE, "broker": NONE}
        self.away = {"database": False, "broker": False}

    def wrote(self, instance: str, seq: int, state: str | None) -> None:
        """A transaction is durable."""
        self._kernel.note(f"{instance} is at {seq}{f', {state}' if state else ''}")

    def count(self, fault: str) -> None:
        """One has happened."""
        self.happened[fault] = self.happened.get(fault, 0) + 1
        self._kernel.note(f"fault: {fault}")

    def before(self, process: Process, what: str, call: str) -> bool:
        """The way there; whether the answer will be lost. Raises Unavailable, Crashed."""
        if not process.alive:
            raise Crashed
        rates, random, kernel = self.rates[what], self._random.random, self._kernel
        kernel.wait(20 + kernel.drawn(1_480) if random() > rates.slow else kernel.drawn(5 * SECOND))
        if self.away[what]:
            kernel.note(f"{call}: {what} is away")
            raise Unavailable(f"the {what}", "it is away")
        drawn = random()
        if drawn < rates.refused:
            self.count(f"{what} refuses {call}")
            raise Unavailable(f"the {what}", "refused")
        drawn -= rates.refused
        if drawn < rates.crash:
            self.die(process, f"before {call}")
        return rates.unanswered > 0 and random() < rates.unanswered

    def after(self, process: Process, what: str, call: str, *, unanswered: bool) -> None:
        """The way back. Raises Unavailable, Crashed."""
        if unanswered:
            self.count(f"{what} does not answer {call}")
            raise Unavailable(f"the {what}", "the answer was lost")
        rates = self.rates[what]
        if rates.crash and self._random.random() < rates.crash:
            self.die(process, f"after {call}")

    def die(self, process: Process, where: str) -> None:
        """A crash of the caller's own process. Raises Crashed."""
        self.count(f"crash {where}")
        self._kernel.kill(process)
        raise Crashed

    def fate(self) -> tuple[int, ...]:
        """What becomes of a message: when each copy of it arrives, in ticks from now; none for one that is lost."""
        rates, random = self.rates["broker"], self._random
        if rates.dropped and random.random() < rates.dropped:
            self.count("message dropped")
            return ()
        copies = 1
        if rates.doubled and random.random() < rates.doubled:
            self.count("message doubled")
            copies = 2
        return tuple(self._delay(rates) for _ in range(copies))

    def _delay(self, rates: Rates) -> int:
        if rates.late and self._random.random() < rates.late:
            late = self._random.choice([10 * MS, SECOND, AS_GOOD_AS_LOST])
            if late == AS_GOOD_AS_LOST:
                self.count("message late")
            return late
        return 0
