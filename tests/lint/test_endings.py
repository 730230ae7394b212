"""What is said to be sure of a list holds in every run of it that its joins allow."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.expressions.model import Literal
from engine.core.joins import join
from engine.core.model import Edge, Join, Task, TaskList
from engine.lint.endings import APPROVED, Endings, outcomes

NAMES = "abcd"
JOINS = [Join(), Join(mode="any"), Join(mode="merge"), Join(mode="at_least", n=2)]
PARAMS = {"approval": [{}, {"expires": 1}], "script": [{}], "event": [{}]}


@st.composite
def lists(draw):
    tasks = {}
    for name in NAMES:
        kind = draw(st.sampled_from(sorted(PARAMS)))
        params = Literal(value=draw(st.sampled_from(PARAMS[kind])))
        sources = draw(st.lists(st.sampled_from(sorted(tasks)), max_size=3)) if tasks else []
        labels = [draw(st.sampled_from([*sorted(outcomes(tasks[source])), "done", "expired"])) for source in sources]
        pairs = dict.fromkeys(zip(sources, labels, strict=True))
        edges = tuple(Edge(source=source, outcome=label) for source, label in pairs)
        rule = draw(st.sampled_from(JOINS if len(edges) > 1 else JOINS[:3]))
        tasks[name] = Task(id=name, kind=kind, params=params, edges=edges, join=rule)
    return TaskList(tasks=tasks)


def runs(tasks: dict[str, Task]) -> list[tuple[dict, set[str]]]:
    """Every way in which a list can end, and which tasks ran in it."""
    ways = [({}, set())]
    for name, task in tasks.items():
        new = []
        for ended, ran in ways:
            ends = [("skipped", ran), ("cancelled", ran)]
            if not task.edges or join(task, tasks, ended):
                ends += [(outcome, ran | {name}) for outcome in outcomes(task)]
            new += [({**ended, name: {"state": outcome, "attempt": 1}}, after) for outcome, after in ends]
        ways = new
    return ways


@given(lists())
def test_what_is_sure_is_so(listed):
    endings = Endings(listed)
    known = {name: endings.learn(name) for name in listed.tasks}
    ran_once = set()
    for ended, ran in runs(dict(listed.tasks)):
        ran_once |= ran
        for name in ran:
            assert known[name] is not None
            for other, left in known[name].items():
                assert other == APPROVED or ended[other]["state"] in left
            given = any(end["state"] == "approved" for end in ended.values())
            assert given or APPROVED not in known[name]
    dead = {name for name, ends in known.items() if ends is None}
    assert not dead & ran_once
    assert set(endings.never) <= dead
    assert bool(dead) == bool(endings.never)
