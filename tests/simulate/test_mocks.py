"""Mocks: which one counts, what each form does, and what they may not pretend."""

from __future__ import annotations

import pytest

from engine.simulate.mocks import Mocks, Unmocked
from engine.spec.case_models import MockKeys
from tests.simulate.playing import played, problems


def named(*patterns: str) -> Mocks:
    return Mocks({pattern: MockKeys(comment=pattern) for pattern in patterns})


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("deploy[eu]/roll", "deploy[eu]/roll"),
        ("deploy[us]/roll", "deploy[*]/roll"),
        ("deploy[us]/check#3/probe", "deploy[*]/check#*/probe"),
        ("deploy[us]/other", "deploy[*]/*"),
        ("a/b/compensate", "**/compensate"),
        ("a/b/c", "**"),
    ],
)
def test_the_most_specific_pattern_counts(path, counts):
    mocks = named("**", "deploy[*]/*", "deploy[*]/roll", "deploy[eu]/roll", "deploy[*]/check#*/probe", "**/compensate")
    assert mocks.take(path, "script").comment == counts


def test_a_star_stays_within_its_part_of_the_path():
    mocks = named("a[*]", "b#*/c")
    assert mocks.find("a[x]/y") is None
    assert mocks.find("b#1/d/c") is None
    assert mocks.find("b#12/c") is not None


def test_brackets_and_dots_stand_for_themselves():
    mocks = named("a[1.0]")
    assert mocks.find("a1") is None
    assert mocks.find("a[1x0]") is None
    assert mocks.find("a[1.0]") is not None


def test_attempts_are_counted_for_each_path():
    mocks = Mocks({"x[*]": [MockKeys(comment="1"), MockKeys(comment="2")]})
    assert [mocks.take(path, "script").comment for path in ("x[a]", "x[b]", "x[a]", "x[b]")] == ["1", "1", "2", "2"]
    with pytest.raises(Unmocked, match=r"x\[a\] is asked for a third time, and x\[\*\] has 2 mocks"):
        mocks.take("x[a]", "script")


def test_the_line_to_paste_quotes_what_yaml_would_read_otherwise():
    with pytest.raises(Unmocked, match=r'"x\[a\]": \{outputs: \{\}\}'):
        Mocks({}).take("x[a]", "http")
    with pytest.raises(Unmocked, match="outcome: approved, after: 1h"):
        Mocks({}).take("ask", "approval")


RUN = "tasks: {a: {run: x, timeout: 5m, retry: {max_attempts: 2, delay: 10s}}}\n"


@pytest.mark.parametrize(
    ("mock", "expect"),
    [
        ("{outputs: {}}", "{state: succeeded, attempts: {a: 1}, duration: {at_most: 0s}}"),
        ("{after: 5m}", "{state: succeeded, duration: {at_least: 5m, at_most: 5m}}"),
        (
            "{after: 6m}",
            "{state: failed, error: timeout, attempts: {a: 2}, duration: {at_least: 10m5s, at_most: 10m15s}}",
        ),
        ("[{after: 6m}, {}]", "{state: succeeded, attempts: {a: 2}, duration: {at_least: 5m5s, at_most: 5m15s}}"),
        ("{error: no, kind: exit}", "{state: failed, error: exit, attempts: {a: 2}}"),
        ("[{kind: exit}, {outputs: {x: 1}}]", "{state: succeeded, attempts: {a: 2}}"),
        ("{outcome: failed}", "{state: failed, error: it failed}"),
        ("{outcome: cancelled, after: 1m}", "{state: failed, outcomes: {a: cancelled}, attempts: {a: 1}}"),
    ],
)
def test_what_a_mock_of_a_script_does(mock, expect):
    assert problems(RUN, f"- {{name: x, mocks: {{a: {mock}}}, expect: {expect}}}") == []


def test_the_details_of_an_error_can_be_read():
    workflow = """\
        tasks:
          a: {run: x, retry: {max_attempts: 3, delay: 1s, if: error.?details.?code.orValue(0) == 7}}
    """
    cases = "- {name: x, mocks: {a: [{kind: exit, details: {code: 7}}, {kind: exit, details: {code: 8}}]}, expect: {attempts: {a: 2}, state: failed}}"
    assert problems(workflow, cases) == []


def test_no_task_ends_in_a_way_that_its_kind_does_not_know():
    assert problems(RUN, "- {name: x, mocks: {a: {outcome: approved}}, expect: {}}") == [
        "a never ends as approved; it ends as cancelled, failed, succeeded"
    ]


HTTP = """\
    tasks:
      call: {uses: http, with: {url: "https://x.example.com/", allow_status: [404]}, outputs: {id: {type: integer}}}
      use: {needs: call, uses: values, with: {id: "${{ tasks.call.outputs.id }}", status: "${{ tasks.call.outputs.status }}"}}
    outputs: {id: "${{ tasks.use.outputs.id }}", status: "${{ tasks.use.outputs.status }}"}
"""


def test_an_answer_over_http_has_its_status_and_gives_what_is_declared_out_of_its_body():
    cases = "- {name: x, mocks: {call: {outputs: {body: {id: 3, more: 4}}}}, expect: {state: succeeded, outputs: {id: 3, status: 200}}}"
    assert problems(HTTP, cases) == []


def test_an_answer_that_would_fail_the_call_cannot_be_its_success():
    cases = "- {name: x, mocks: {call: {outputs: {status: 500, id: 1}}}, expect: {}}"
    (problem,) = problems(HTTP, cases)
    assert problem == (
        "call fails when it is answered with 500, which `allow_status` does not have; "
        "mock {error: it answered 500, kind: http_5xx}"
    )
    assert problems(HTTP, cases.replace("500", "404")) == []


def test_a_call_without_a_timeout_has_that_of_its_kind():
    cases = (
        "- {name: x, mocks: {call: {outputs: {id: 1}, after: 31s}}, expect: {error: timeout, duration: {at_most: 30s}}}"
    )
    assert problems(HTTP, cases) == []


ASK = """\
    tasks:
      ask: {uses: approval, with: {message: Go?, approvers: [ana], require: 2, expires: 1d, form: {ticket: {type: string, pattern: "^T-"}}}}
      no: {needs: [ask.rejected, ask.expired], join: any, uses: values, with: {}}
      yes: {needs: ask, uses: values, with: {ticket: "${{ tasks.ask.outputs.ticket }}", why: "${{ tasks.ask.outputs.comment }}"}}
"""


@pytest.mark.parametrize(
    ("mock", "expect"),
    [
        ("{form: {ticket: T-1}, comment: fine}", "{outcomes: {ask: approved, yes: succeeded}}"),
        ("{outcome: approved, outputs: {ticket: T-1}, after: 3h}", "{duration: {at_least: 3h, at_most: 3h}}"),
        ("{outcome: rejected, after: 2h}", "{outcomes: {ask: rejected, no: succeeded}, duration: {at_most: 2h}}"),
        ("{outcome: expired}", "{outcomes: {ask: expired, no: succeeded}, duration: {at_least: 1d, at_most: 1d}}"),
        ("{outcome: approved, form: {ticket: T-1}, after: 2d}", "{outcomes: {ask: expired}}"),
    ],
)
def test_what_a_mock_of_an_approval_does(mock, expect):
    assert problems(ASK, f"- {{name: x, mocks: {{ask: {mock}}}, expect: {expect}}}") == []


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ("{outcome: approved}", "the mock of ask does not fit its form"),
        ("{form: {ticket: X-1}}", "the mock of ask does not fit its form: /ticket"),
        ("{form: {ticket: T-1, more: 1}}", "the mock of ask does not fit its form"),
        ("{outcome: rejected, form: {ticket: T-1}}", "the mock of ask has a form, and a rejection has none"),
        ("{outcome: rejected, outputs: {more: 1}}", "the mock of ask has a form, and a rejection has none"),
        ("{error: no}", "ask cannot fail by itself; mock an `outcome`"),
        ("{outcome: done}", "ask never ends as done; it ends as approved, expired, rejected"),
    ],
)
def test_people_cannot_do_what_the_form_refuses(mock, said):
    (problem,) = problems(ASK, f"- {{name: x, mocks: {{ask: {mock}}}, expect: {{}}}}")
    assert problem.startswith(said)


def test_an_approval_without_an_end_cannot_expire():
    workflow = "tasks: {ask: {uses: approval, with: {message: Go?, approvers: [ana]}}}\n"
    (problem,) = problems(workflow, "- {name: x, mocks: {ask: {outcome: expired}}, expect: {}}")
    assert problem == "ask cannot end as expired: it has no `expires`"


def test_secrets_are_there_where_they_are_given_and_masked_in_what_comes_back():
    workflow = """\
        tasks:
          a: {run: x, env: {TOKEN: "${{ secrets.TOKEN }}"}}
        outputs: {said: "${{ tasks.a.outputs.said }}"}
    """
    cases = """\
        - name: x
          secrets: {TOKEN: hunter22}
          mocks: {a: {outputs: {said: it is hunter22}}}
          expect: {inputs: {a: {TOKEN: hunter22}}, outputs: {said: it is ***}}
        - {name: y, mocks: {a: {outputs: {said: x}}}, expect: {inputs: {a: {TOKEN: secret TOKEN}}}}
    """
    assert problems(workflow.replace("x, env", "x, outputs: {said: {type: string}}, env"), cases) == []


def test_an_expression_that_has_no_value_once_the_secret_is_there_fails_the_attempt():
    workflow = 'tasks: {a: {run: x, env: {N: "${{ int(secrets.TOKEN) }}"}}}\n'
    assert problems(workflow, "- {name: x, mocks: {a: {}}, expect: {state: failed, error: expression}}") == []


def test_messages_are_those_that_were_sent():
    workflow = """\
        tasks:
          a: {uses: message, with: {channel: log, text: one}, retry: {max_attempts: 2, delay: 1s}}
          b: {needs: a, uses: message, with: {to: [ana], text: two}}
    """
    cases = """\
        - name: x
          mocks: {a: [{error: no}, {}], b: {}}
          expect: {messages: [{channel: log, text: one}, {to: [ana]}]}
    """
    assert problems(workflow, cases) == []


def test_a_mock_of_what_runs_for_real_is_a_slip():
    workflow = "tasks: {w: {uses: wait, with: {for: 1h}}, s: {needs: w, switch: {yes: otherwise}}}\n"
    report = played(workflow, "- {name: x, mocks: {w: {}, s: {outcome: yes}}, expect: {}}")
    assert [str(finding) for finding in report.findings] == [
        'w.test.yaml:3:23: error: "w" does nothing outside (wait): it runs as it is, without a mock [needless-mock]',
        'w.test.yaml:3:30: error: "s" does nothing outside (switch): it runs as it is, without a mock [needless-mock]',
    ]


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ("{error: no, outputs: {x: 1}}", "a mock with an error has no outputs, and no other outcome than failed"),
        ("{kind: exit, outcome: approved}", "a mock with an error has no outputs, and no other outcome than failed"),
        ("{details: {x: 1}}", "`details` belong to an error"),
        ("[]", '"a" must not be empty'),
        ("[{outcom: x}]", 'unknown key "outcom"; did you mean "outcome"?'),
        ("{outputz: {}}", 'unknown key "outputz"; did you mean "outputs"?'),
        ("[{}, 3]", "this entry must be a map, not the number 3"),
        ("3", '"a" must be a map, not the number 3'),
    ],
)
def test_slips_in_a_mock_are_found_with_their_place(mock, said):
    report = played(RUN, f"- {{name: x, mocks: {{a: {mock}}}, expect: {{}}}}")
    (finding,) = report.findings
    assert finding.text == said
    assert (finding.path, finding.line) == ("w.test.yaml", 3)
    assert report.cases == []


def test_parameters_that_the_kind_cannot_take_fail_the_attempt_as_they_would_for_real():
    workflow = """\
        inputs: {url: {type: string}, to: {type: array}}
        tasks:
          call: {uses: http, with: {url: "${{ inputs.url }}"}, continue_on_error: true}
          tell: {uses: message, with: {to: "${{ inputs.to }}", text: hello}, continue_on_error: true}
    """
    case = "- {name: x, inputs: {url: URL, to: TO}, mocks: {call: {}, tell: {}}, expect: {outcomes: {call: CALL, tell: TELL}}}"
    fine = case.replace("URL", "x").replace("TO", "[ana]").replace("CALL", "succeeded").replace("TELL", "succeeded")
    wrong = case.replace("URL", "''").replace("TO", "[1]").replace("CALL", "failed").replace("TELL", "failed")
    assert problems(workflow, f"{fine}\n{wrong}") == []


def test_a_message_gives_nothing():
    workflow = "tasks: {a: {uses: message, with: {channel: log, text: x}}}\n"
    (problem,) = problems(workflow, "- {name: x, mocks: {a: {outputs: {id: 1}}}, expect: {}}")
    assert problem == "the mock of a does not fit: a message has no outputs"


def test_a_form_that_a_template_has_made_may_be_no_schema():
    workflow = """\
        inputs: {form: {type: object}}
        tasks: {ask: {uses: approval, with: {message: Go?, approvers: [ana], form: "${{ inputs.form }}"}}}
    """
    case = "- {name: x, inputs: {form: {a: FIELD}}, mocks: {ask: {form: {a: x}}}, expect: {outcomes: {ask: approved}}}"
    (problem,) = problems(workflow, case.replace("FIELD", "{type: strin}"))
    assert problem.startswith("nobody can approve ask: its form is no schema: ")
    assert problems(workflow, case.replace("FIELD", "{type: string}")) == []
