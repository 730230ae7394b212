"""`tasks` as a list: a sequence of the same tasks, with positions of its own."""

from tests.spec.compiled import compiled, files, rules


def edges(definition):
    return {name: [edge.source for edge in task.edges] for name, task in definition.tasks.tasks.items()}


def test_each_needs_the_one_before_unless_it_says_so():
    definition = compiled("""
tasks:
  - {id: a, run: x}
  - {id: b, run: x}
  - {id: c, needs: a, run: x}
  - {id: d, needs: [], run: x}
  - {id: e, tasks: [{id: f, run: x}, {id: g, run: x}]}
finally:
  - {id: h, run: x}
""")
    assert edges(definition) == {"a": [], "b": ["a"], "c": ["a"], "d": [], "e": ["d"]}
    assert [edge.source for edge in definition.tasks.tasks["e"].body.tasks["g"].edges] == ["f"]
    assert list(definition.finally_.tasks) == ["h"]


def test_findings_and_tasks_know_their_lines():
    text = """
tasks:
  - id: a
    run: x
  - run: x
    if: tasks.a.outcom == 'b'
    id: b
"""
    [finding] = files(text).findings
    assert (finding.rule, finding.line, finding.column) == ("unknown-name", 7, 17)
    definition = compiled(text.replace("outcom ", "outcome "))
    assert [task.line for task in definition.tasks.tasks.values()] == [4, 8]


def test_wrong_items_are_said_at_their_place():
    assert rules("tasks: []") == ["bad-value"]
    assert rules("tasks: [x]") == ["bad-value"]
    assert rules("tasks: [{run: x}]") == ["missing-key"]
    assert rules("tasks: [{id: a, run: x}, {id: a, run: y}]") == ["bad-id"]
    assert rules("tasks: [{id: a, run: x, rum: y}]") == ["unknown-key"]


def test_an_expression_reads_the_tasks_before():
    text = "tasks: [{id: a, run: x}, {id: b, run: x}, {id: c, run: x, if: tasks.%s.outcome == 'succeeded'}]"
    assert rules(text % "a") == []
    assert rules(text % "c") == ["not-awaited"]


def test_thousands_of_tasks_are_read_in_time():
    tasks = "".join(f"  - {{id: t{n}, run: x}}\n" for n in range(3000))
    assert len(compiled(f"tasks:\n{tasks}").tasks.tasks) == 3000
