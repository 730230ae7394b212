"""Groups, decisions, loops and calls compile to what the core's model says of them."""

import pytest

from engine.core.expressions.model import Expression, Literal
from engine.core.model import Edge
from tests.spec.compiled import compiled, files, rules, sources


def task(text, name="t", **others):
    return compiled(f"tasks:\n  before: {{run: x, outputs: {{v: {{}}}}}}\n  {name}: {text}\n", **others).tasks.tasks[
        name
    ]


def test_a_switch_keeps_its_cases_in_order():
    found = task("{needs: before, switch: {high: tasks.before.outputs.v > 1, always: true, low: otherwise}}")
    assert found.kind == "switch"
    assert [(name, condition and condition.source) for name, condition in found.cases] == [
        ("high", "tasks.before.outputs.v > 1"),
        ("always", "true"),
        ("low", None),
    ]


def test_edges_name_cases_and_every_other_end():
    definition = compiled("""
tasks:
  choose: {switch: {high: "false", low: otherwise}}
  a: {needs: choose.high, run: x}
  b: {needs: [choose.low, choose.failed], join: any, cancel_rest: true, run: x}
  c: {needs: choose.done, run: x}
""")
    assert definition.tasks.tasks["a"].edges == (Edge(source="choose", outcome="high"),)
    assert [edge.outcome for edge in definition.tasks.tasks["b"].edges] == ["low", "failed"]
    assert definition.tasks.tasks["b"].cancel_rest
    assert definition.tasks.tasks["c"].edges[0].outcome == "done"


def test_a_group_is_a_list_with_outputs():
    found = task("""
    needs: before
    timeout: 5m
    fail_fast: true
    deadline: 1h
    if: tasks.before.outputs.v == 1
    tasks:
      a: {run: x, env: {V: "${{ tasks.before.outputs.v }}"}, outputs: {n: {}}}
      b: {needs: a, run: x}
    outputs: {n: "${{ tasks.a.outputs.n + tasks.before.outputs.v }}"}
""")
    assert (found.kind, found.timeout, found.deadline) == ("group", None, 3_600_000)
    assert (found.body.timeout, found.body.fail_fast) == (300_000, True)
    assert list(found.body.tasks) == ["a", "b"]
    assert found.body.followers == {"a": ("b",), "b": ()}
    assert sources(found.body.outputs) == ["tasks.a.outputs.n + tasks.before.outputs.v"]
    assert ("tasks", "before", "outputs", "v") in found.reads


def test_a_group_without_outputs_has_none():
    assert task("{tasks: {a: {run: x}}}").body.outputs is None
    assert rules("tasks: {g: {tasks: {a: {run: x}}}, b: {needs: g, run: x, if: tasks.g.outputs.n == 1}}") == [
        "unknown-name"
    ]


def test_a_leaf_for_each_item_is_the_only_task_of_its_list():
    found = task("""
    for_each: '[1, 2]'
    as: number
    key: string(number)
    max_parallel: 3
    enough: 1
    rest: run_on
    fail_fast: true
    deadline: 1h
    timeout: 1m
    continue_on_error: true
    retry: {max_attempts: 3, if: number == 1}
    run: x
    env: {N: "${{ number + index }}"}
    outputs: {v: {type: string}}
""")
    each = found.for_each
    assert (found.kind, found.continue_on_error, found.deadline, found.timeout) == ("for_each", True, 3_600_000, None)
    assert isinstance(each.items, Expression)
    assert (each.name, each.key.source, each.max_parallel, each.enough, each.rest) == (
        "number",
        "string(number)",
        3,
        1,
        "run_on",
    )
    assert (each.fail_fast, each.product) == (True, False)
    leaf = found.body.tasks[""]
    assert (leaf.id, leaf.kind, leaf.timeout, leaf.deadline, leaf.retry.max_attempts) == ("", "script", 60_000, None, 3)
    assert leaf.outputs == {"v": {"type": "string"}}
    assert found.body.followers == {"": ()}
    assert (found.retry.max_attempts, found.outputs, found.env) == (1, None, Literal(value={}))


def test_items_are_a_list_with_templates():
    found = task('{needs: before, for_each: [a, "${{ tasks.before.outputs.v }}", {b: 1}], run: x}')
    assert sources(found.for_each.items) == ["tasks.before.outputs.v"]


def test_items_are_every_combination():
    found = task(
        "{for_each: {product: {os: [linux, mac], py: [1, 2]}, exclude: [{os: mac, py: 1}]}, run: x, if: 'true'}"
    )
    assert found.for_each.product
    assert found.for_each.items == Literal(
        value={"product": {"os": ["linux", "mac"], "py": [1, 2]}, "exclude": [{"os": "mac", "py": 1}]}
    )
    assert found.condition.source == "true"
    assert found.body.tasks[""].condition is None


def test_items_of_a_group_run_its_list():
    found = task("""
    for_each: '[1]'
    timeout: 1m
    fail_fast: true
    tasks: {a: {run: x, env: {I: "${{ item }}"}}, g: {tasks: {b: {run: x, if: item == 1}}}}
    outputs: {o: "${{ item }}"}
""")
    assert (found.kind, list(found.body.tasks), found.body.timeout) == ("for_each", ["a", "g"], 60_000)
    assert (found.for_each.fail_fast, found.body.fail_fast) == (True, False)
    assert sources(found.body.outputs) == ["item"]


def test_a_leaf_repeats():
    found = task("""
    repeat: {while: previous.?n.orValue(0) < 3, until: outputs.n == 3, delay: 10s, max_iterations: 5}
    run: x
    env: {N: "${{ previous.?n.orValue(iteration) }}"}
    outputs: {n: {type: integer}}
""")
    assert (found.kind, found.repeat.max_iterations, found.repeat.delay) == ("repeat", 5, 10_000)
    assert found.repeat.condition.source == "previous.?n.orValue(0) < 3"
    assert found.body.until.source == "outputs.n == 3"
    assert found.body.tasks[""].kind == "script"


def test_a_group_repeats():
    found = task("""
    repeat: {until: tasks.a.outputs.n == index, max_iterations: 5}
    fail_fast: true
    tasks: {a: {run: x, outputs: {n: {}}}}
    outputs: {n: "${{ tasks.a.outputs.n }}"}
""")
    assert (found.kind, found.repeat.condition, found.body.fail_fast) == ("repeat", None, True)
    assert found.body.until.source == "tasks.a.outputs.n == index"
    assert rules("tasks: {t: {repeat: {until: outputs.n == 1, max_iterations: 2}, tasks: {a: {run: x}}}}") == [
        "unknown-name"
    ]


def test_each_item_repeats():
    found = task("{for_each: '[1]', repeat: {until: outputs.n == item, max_iterations: 2}, run: x}")
    assert found.kind == "for_each"
    inner = found.body.tasks[""]
    assert (inner.id, inner.kind, inner.body.until.source) == ("", "repeat", "outputs.n == item")
    assert inner.body.tasks[""].kind == "script"
    grouped = task(
        "{for_each: '[1]', repeat: {while: index < 2, max_iterations: 2}, timeout: 1s, tasks: {a: {run: x}}}"
    )
    assert list(grouped.body.tasks) == [""]
    assert (grouped.body.timeout, grouped.body.tasks[""].body.timeout) == (None, 1_000)
    assert list(grouped.body.tasks[""].body.tasks) == ["a"]


def test_lists_are_found_by_the_shape_of_their_scopes():
    definition = compiled("""
tasks:
  g: {tasks: {t: {run: x, compensate: {run: y}}}}
  e: {for_each: [1], tasks: {r: {repeat: {while: "true", max_iterations: 1}, run: x}}}
  both: {for_each: [1], repeat: {while: "true", max_iterations: 1}, run: x}
finally:
  - {id: f, tasks: [{id: t, run: x}]}
""")
    assert set(definition.lists) == {
        "",
        "finally",
        "g",
        "g/t/compensate",
        "e[]",
        "e[]/r#",
        "both[]",
        "both[]#",
        "finally/f",
    }


@pytest.mark.parametrize(
    ("reader", "collect"),
    [
        ("tasks.x.outputs[0].v", True),
        ("tasks.x.outputs", True),
        ("size(tasks.x) > 0", True),
        ("size(tasks) > 0", True),
        ("tasks.x.outcome", False),
        ("tasks.y.outcome", False),
    ],
)
def test_outputs_of_items_are_gathered_only_if_something_reads_them(reader, collect):
    definition = compiled(f"""
tasks:
  x: {{for_each: [1], run: x}}
  y: {{needs: x, run: x}}
outputs: {{o: "${{{{ {reader} }}}}"}}
""")
    assert definition.tasks.tasks["x"].for_each.collect is collect


def test_what_undoes_all_items_can_gather_their_outputs():
    for env, collect in (("${{ size(outputs) }}", True), ("${{ tasks.t.outputs.size() }}", True), ("a", False)):
        found = task(f'{{for_each: [1], tasks: {{a: {{run: x}}}}, compensate: {{run: y, env: {{E: "{env}"}}}}}}')
        assert found.for_each.collect is collect


def test_outputs_of_items_are_a_list():
    text = 'tasks:\n  x: {for_each: [1], run: x, outputs: {v: {type: string}}}\n  y: {needs: x, run: x, if: "%s"}\n'
    assert rules(text % "tasks.x.outputs.exists(o, o != null && o.v == 'a')") == []
    assert rules(text % "tasks.x.outputs[0].w == 'a'") == ["unknown-name"]
    assert rules(text.replace("needs: x", "needs: x.done") % "tasks.x.outputs.size() == 1") == ["maybe-absent"]


def test_a_call_has_inputs_and_outputs_of_the_other_workflow():
    child = "name: child\ninputs: {n: {type: integer}}\ntasks: {t: {run: x}}\noutputs: {m: '${{ inputs.n }}'}"
    text = "tasks:\n  t: {workflow: child, timeout: 1h, retry: {max_attempts: 2}, with: {n: 1}}\n  u: {needs: t, run: x, if: tasks.t.outputs.%s == 1}"
    found = compiled(text % "m", child=child).tasks.tasks["t"]
    assert (found.kind, found.workflow, found.wait, found.params) == (
        "workflow",
        "child",
        True,
        Literal(value={"n": 1}),
    )
    assert (found.timeout, found.retry.max_attempts) == (3_600_000, 2)
    assert rules(text % "n", child=child) == ["unknown-name"]
    assert not compiled("tasks: {t: {workflow: child, wait: false, with: {n: 1}}}", child=child).tasks.tasks["t"].wait


def test_a_call_that_is_not_waited_for_has_the_instance_as_its_only_output():
    child = "name: child\ntasks: {t: {run: x}}\noutputs: {m: 1}"
    text = "tasks:\n  t: {workflow: child, wait: false}\n  u: {needs: t, run: x, if: tasks.t.outputs.%s}"
    assert rules(text % "instance.startsWith('0')", child=child) == []
    assert rules(text % "instance == 1", child=child) == ["never-equal"]
    assert rules(text % "m == 1", child=child) == ["unknown-name"]


def test_defaults_do_not_reach_calls_and_decisions():
    definition = compiled(
        "defaults: {timeout: 1s, retry: {max_attempts: 2}}\ntasks: {a: {workflow: w}, b: {switch: {c: otherwise}}}"
    )
    assert {found.timeout for found in definition.tasks.tasks.values()} == {None}
    assert {found.retry.max_attempts for found in definition.tasks.tasks.values()} == {1}


def test_an_unknown_workflow_is_said_unless_a_file_could_not_be_read():
    text = "tasks: {t: {workflow: childd}}"
    child = "name: child\ntasks: {t: {run: x}}"
    [finding] = files(text, child=child).findings
    assert (finding.rule, finding.suggestion) == ("unknown-workflow", "child")
    assert rules(text, child=child, broken="name: [") == ["yaml-syntax"]
    assert rules(text, child=child, broken="name: childd") == ["missing-key"]


def test_sixteen_groups_may_nest():
    text = "run: x"
    for _ in range(17):
        text = f"tasks: {{g: {{{text}}}}}"
    assert "g" + "/g" * 15 in compiled(text).lists
    assert rules(f"tasks: {{g: {{{text}}}}}") == ["bad-value"]


def test_queue_and_priority_reach_all_tasks_of_a_group():
    definition = compiled("""
defaults: {queue: big, priority: 1}
tasks:
  g:
    queue: small
    tasks:
      a: {run: x}
      b: {uses: values, with: {}}
      c: {tasks: {d: {run: x, queue: own, priority: -10}}, priority: 7}
      e: {for_each: [1], run: x, compensate: {run: y}}
  f: {run: x, compensate: {uses: http, with: {url: "http://a.example"}, queue: undo}}
""")
    group = definition.tasks.tasks["g"].body.tasks
    assert (group["a"].queue, group["a"].priority) == ("small", 1)
    assert (group["b"].queue, group["b"].priority) == ("tasks", 0)
    inner = group["c"].body.tasks["d"]
    assert (inner.queue, inner.priority) == ("own", -10)
    assert group["e"].body.tasks[""].compensate.tasks[""].queue == "small"
    assert definition.tasks.tasks["f"].compensate.tasks[""].queue == "undo"


def test_lenient_edges_come_from_tasks_that_may_fail():
    definition = compiled("""
tasks:
  a: {run: x, continue_on_error: true, outputs: {v: {}}}
  b: {needs: a, run: x}
  c: {needs: a.succeeded, run: x, if: tasks.a.outputs.v == 1}
  d: {needs: [a, a.failed], run: x}
""")
    assert definition.tasks.tasks["a"].continue_on_error
    assert definition.tasks.tasks["b"].edges == (Edge(source="a", outcome="succeeded", lenient=True),)
    assert definition.tasks.tasks["c"].edges == (Edge(source="a", outcome="succeeded"),)


def test_finally_and_groups_in_it_read_all_tasks():
    text = """
tasks: {a: {run: x, outputs: {v: {}}}, g: {tasks: {b: {run: x}}}}
finally:
  h: {tasks: {c: {run: x, env: {V: "${{ tasks.a.outputs.?v.orValue('') }}"}}}}
  i: {run: x, if: tasks.b.outcome == 'failed'}
"""
    assert rules(text) == ["not-awaited"]


def test_the_nearest_task_of_a_name_counts():
    text = """
tasks:
  a: {run: x, outputs: {far: {}}}
  g: {needs: a, tasks: {a: {run: x, outputs: {near: {}}}, b: {%s run: x, if: tasks.a.outputs.%s == 1}}}
"""
    assert rules(text % ("needs: a,", "near")) == []
    assert rules(text % ("needs: a,", "far")) == ["unknown-name"]
    assert rules(text % ("", "far")) == ["not-awaited"]


def test_what_a_group_waits_for_is_as_sure_inside_as_at_its_door():
    text = (
        "tasks:\n  a: {run: x, outputs: {v: {}}}\n  g: {needs: %s, tasks: {b: {run: x, if: tasks.a.outputs.v == 1}}}\n"
    )
    assert rules(text % "a") == []
    assert rules(text % "a.done") == ["maybe-absent"]


def test_loops_in_loops_hide_the_names_of_those_around():
    text = """
tasks:
  each:
    for_each: [1]
    as: outer
    tasks:
      inner:
        for_each: [outer, "${{ outer }}"]
        run: x
        env: {A: "${{ outer }} ${{ item }} ${{ index }}"}
      other: {run: x, if: %s}
"""
    assert rules(text % "outer == 1") == []
    assert rules(text % "item == 1") == ["unknown-name"]


def test_combinations_may_come_from_expressions():
    found = task(
        '{needs: before, for_each: {product: {a: "${{ tasks.before.outputs.v }}", b: [1]}, include: [{a: "${{ vars.sha }}"}]}, run: x}'
    )
    assert sources(found.for_each.items) == ["tasks.before.outputs.v", "vars.sha"]


@pytest.mark.parametrize("name", ["inputs", "index", "string", "list", "for", "package", "event"])
def test_an_item_is_not_called_like_something_else(name):
    assert rules(f"tasks: {{t: {{for_each: [1], as: {name}, run: x}}}}") == ["reserved-name"]
