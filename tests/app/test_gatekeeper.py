"""In which order a batch asks at the gates: the order of locks, so that two batches never wait for each other."""

from __future__ import annotations

from engine.app.gatekeeper import Gatekeeper
from engine.app.records import SlotVerdict
from engine.core.commands import LookUpCache, TakeSlot, TakeTurn
from engine.core.events import CacheAnswered, SlotAnswered


class Gates:
    """Lets everybody in, and remembers who was locked when."""

    def __init__(self) -> None:
        self.locked: list[str] = []

    def take_slot(self, wish, _now):
        self.locked.append(wish.group)
        return SlotVerdict(answer="granted")

    def take_turn(self, group, _limit, _per, now):
        self.locked.append(group)
        return now

    def look_up(self, *_):
        return False, None


def slot(group: str, task: str = "a") -> TakeSlot:
    return TakeSlot(task=task, attempt=1, group=group, limit=1, when_full="queue")


def turn(group: str, task: str = "a") -> TakeTurn:
    return TakeTurn(task=task, attempt=1, group=group, limit=1, per=1)


def test_what_an_answer_leads_to_takes_its_place_among_what_others_asked():
    gates, keeper = Gates(), Gatekeeper(lambda _: "release", lambda _: None)
    keeper.ask("i1", "", turn("turns-of-the-last"))
    keeper.ask("i1", "", slot("slots-of-the-last"))
    keeper.ask("i2", "", LookUpCache(task="b", attempt=1, path="b", key="k"))
    for instance, scope, event in keeper.answers(lambda: gates, 0):
        if isinstance(event, CacheAnswered):
            keeper.ask(instance, scope, slot("slots-of-the-first", "b"))
        elif isinstance(event, SlotAnswered) and event.task == "b":
            keeper.ask(instance, scope, turn("turns-of-the-first", "b"))
    assert gates.locked == ["slots-of-the-first", "slots-of-the-last", "turns-of-the-first", "turns-of-the-last"]


def test_of_one_group_those_come_first_who_asked_first():
    gates, keeper = Gates(), Gatekeeper(lambda _: "release", lambda _: None)
    for number in range(20):
        keeper.ask(f"i{number}", "", slot("deploy"))
    assert [instance for instance, _, _ in keeper.answers(lambda: gates, 0)] == [f"i{number}" for number in range(20)]
