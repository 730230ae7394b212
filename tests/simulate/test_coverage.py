"""What counts as seen."""

from __future__ import annotations

from tests.simulate.playing import played

WORKFLOW = """\
    inputs: {n: {type: integer}}
    tasks:
      a: {run: x}
      pick: {needs: a, switch: {one: inputs.n == 1, two: inputs.n == 2, more: otherwise}}
      first: {needs: pick.one, uses: values, with: {}}
      others: {needs: [pick.two, pick.more], join: any, uses: values, with: {}}
      sorry: {needs: a.failed, run: y}
      always: {needs: [first.done, others.done], uses: values, with: {}}
      each: {needs: always, for_each: "[inputs.n]", tasks: {t: {run: z, compensate: {run: back}}}}
    finally: {end: {run: e}}
"""


def coverage(*cases: str):
    written = "".join(f"- {{name: c{number}, {case}, expect: {{}}}}\n" for number, case in enumerate(cases))
    report = played(WORKFLOW, written)
    assert report.findings == []
    assert report.failed == []
    return report.coverage["w"]


ONE = "inputs: {n: 1}, mocks: {a: {}, 'each[*]/t': {}, finally/end: {}}"
TWO = ONE.replace("n: 1", "n: 2")
MORE = ONE.replace("n: 1", "n: 3")
FAILS = "inputs: {n: 1}, mocks: {a: {error: no}, sorry: {}, 'each[*]/t': {}, finally/end: {}}"


def test_one_case_sees_its_way():
    assert coverage(ONE).missed == (
        "task others",
        "task sorry",
        "task each[]/t/compensate",
        "edge pick.two -> others",
        "edge pick.more -> others",
        "edge a.failed -> sorry",
        "outcome a.failed",
        "outcome pick.two",
        "outcome pick.more",
        "outcome others.succeeded",
        "outcome sorry.succeeded",
        "outcome each[]/t/compensate.succeeded",
    )


def test_more_cases_see_more():
    found = coverage(ONE, TWO, MORE, FAILS)
    assert found.missed == ("task each[]/t/compensate", "outcome each[]/t/compensate.succeeded")
    assert found.percent("edges") == 100
    assert found.percent("tasks") == 100 * 9 / 10


def test_edges_that_were_never_unsatisfied_are_told():
    assert "a.succeeded -> pick" in coverage(ONE, TWO, MORE).always
    assert "a.succeeded -> pick" not in coverage(ONE, FAILS).always
    assert not any("done" in name for name in coverage(ONE).always)


def test_an_edge_counts_only_where_its_task_ran():
    workflow = "tasks: {a: {run: x}, b: {needs: a, if: 'false', run: y}}\n"
    report = played(workflow, "- {name: x, mocks: {a: {}}, expect: {}}")
    assert report.coverage["w"].missed == ("task b", "edge a.succeeded -> b", "outcome b.succeeded")


def test_a_workflow_without_tests_has_seen_nothing():
    report = played(
        "tasks: {a: {run: x}}\n", "- {name: x, mocks: {a: {}}, expect: {}}", "name: other\ntasks: {b: {run: x}}\n"
    )
    assert report.coverage["w"].percent("tasks") == 100
    assert report.coverage["other"].percent("tasks") == 0
