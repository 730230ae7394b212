"""Slots, turns and kept outputs in memory do what those of the databases do."""

from __future__ import annotations

import pytest

from engine.app.kept_outputs import ForgottenOutputs
from engine.app.records import Claim, SlotWish
from engine.simulate.gates import MemoryGates
from tests.simulate.playing import problems


def claim(path: str, instance: str = "i", attempt: int = 1) -> Claim:
    return Claim(instance=instance, path=path, attempt=attempt)


def wish(of: Claim, limit: int = 1, when_full: str = "queue") -> SlotWish:
    return SlotWish(group="g", limit=limit, when_full=when_full, claim=of)


def test_those_who_wait_are_let_in_in_their_order():
    gates = MemoryGates()
    answers = [gates.take_slot(wish(claim(path)), 0).answer for path in "abca"]
    assert answers == ["granted", "waiting", "waiting", "granted"]
    assert gates.release_slot("g", "i", "a") == (claim("b"),)
    assert gates.release_slot("g", "i", "c") == ()
    assert gates.release_slot("g", "i", "b") == ()
    assert gates.release_slot("g", "i", "b") == ()


def test_a_full_group_may_refuse_and_forgets_who_was_refused():
    gates = MemoryGates()
    gates.take_slot(wish(claim("a")), 0)
    assert gates.take_slot(wish(claim("b"), when_full="reject"), 0).answer == "refused"
    assert gates.release_slot("g", "i", "a") == ()


def test_the_newest_displaces_the_others():
    gates = MemoryGates()
    gates.take_slot(wish(claim("a"), when_full="cancel_running"), 0)
    verdict = gates.take_slot(wish(claim("b"), when_full="cancel_running"), 0)
    assert (verdict.answer, verdict.displaced) == ("waiting", (claim("a"),))
    assert gates.release_slot("g", "i", "a") == (claim("b"),)


def test_a_larger_limit_lets_others_in_and_a_task_shares_the_slot_of_its_instance():
    gates = MemoryGates()
    gates.take_slot(wish(claim("", "one")), 0)
    assert gates.take_slot(wish(claim("a", "one")), 0).answer == "granted"
    gates.take_slot(wish(claim("b", "two")), 0)
    verdict = gates.take_slot(wish(claim("c", "two"), limit=3), 0)
    assert (verdict.answer, verdict.granted) == ("granted", (claim("b", "two"),))


def test_a_rate_limit_spreads_starts():
    gates = MemoryGates()
    assert [gates.take_turn("g", 2, 60, 10) for _ in range(5)] == [10, 10, 70, 70, 130]
    assert gates.take_turn("g", 2, 60, 500) == 500


def test_kept_outputs_grow_old():
    gates = MemoryGates()
    gates.keep("w", "a", "k", {"x": 1}, 100)
    assert gates.look_up("w", "a", "k", None) == (True, {"x": 1})
    assert gates.look_up("w", "a", "k", 100) == (True, {"x": 1})
    assert gates.look_up("w", "a", "k", 101) == (False, None)
    assert gates.look_up("w", "b", "k", None) == (False, None)


def test_what_is_undone_is_not_kept():
    gates = MemoryGates()
    for path, key in (("a", "k"), ("a", "l"), ("a/b", "k"), ("ab", "k")):
        gates.keep("w", path, key, 1, 100)
    gates.forget(ForgottenOutputs(workflow="w", path="a", key="k"))
    gates.forget(ForgottenOutputs(workflow="w", path="a", key=None))
    found = [
        gates.look_up("w", path, key, None)[0] for path, key in (("a", "k"), ("a", "l"), ("a/b", "k"), ("ab", "k"))
    ]
    assert found == [False, True, False, True]


@pytest.mark.parametrize(
    ("task", "expect"),
    [
        ("concurrency: {group: g}", "duration: {at_least: 3h, at_most: 3h}"),
        ("concurrency: {group: g, limit: 2}", "duration: {at_least: 2h, at_most: 2h}"),
        (
            "concurrency: {group: g, when_full: reject}",
            'state: failed, error: concurrency, outcomes: {"x[0]": succeeded}',
        ),
        ("concurrency: {group: g, when_full: cancel_running}", 'outcomes: {"x[0]": cancelled, "x[2]": succeeded}'),
        ("rate_limit: {group: g, limit: 1, per: 1d}", "duration: {at_least: 49h, at_most: 49h}"),
    ],
)
def test_items_stand_at_their_gates(task, expect):
    workflow = f"tasks: {{x: {{for_each: [1, 2, 3], tasks: {{t: {{run: y, {task}}}}}}}}}\n"
    if "x[0]" in expect:
        expect = expect.replace('"x[0]"', '"x[0]/t"').replace('"x[2]"', '"x[2]/t"')
    assert problems(workflow, f'- {{name: x, mocks: {{"x[*]/t": {{after: 1h}}}}, expect: {{{expect}}}}}') == []


def test_what_was_kept_belongs_to_its_path():
    workflow = """\
        tasks:
          x: {repeat: {max_iterations: 3, until: iteration == 3}, tasks: {t: {run: y, cache: {key: k, ttl: 1h}}, w: {needs: t, uses: wait, with: {for: 40m}}}}
    """
    cases = '- {name: x, mocks: {"x#1/t": {}}, expect: {state: succeeded}}'
    (problem,) = problems(workflow, cases)
    assert "x#2/t (script) is not mocked" in problem
