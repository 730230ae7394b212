"""What each place of a file takes, and how types reach from where values are made to where they are read."""

import pytest

from engine.lint.linter import lint

RULES = ("expression-type", "never-equal")
HEAD = """\
name: w
inputs:
  n: {type: integer}
  s: {type: string}
  dry: {type: boolean}
  regions: {type: array, items: {type: string}}
  dbs: {type: array, items: {type: object, properties: {host: {type: string}, port: {type: integer}}, required: [host, port], additionalProperties: false}}
"""
CHILD = """\
name: child
inputs: {n: {type: integer}, s: {type: string}, list: {type: array, items: {type: string}, default: []}}
tasks: {a: {run: x}}
"""
PROJECT = "people: {ann: {email: ann@example.com}}\nwebhooks: {github: {provider: github, secret: S}}\nvars: {size: 3, team: {name: a}}\n"


def messages(text):
    files = {"w.yaml": text.encode(), "child.yaml": CHILD.encode(), "project.yaml": PROJECT.encode()}
    found = [finding for finding in lint(files) if finding.path == "w.yaml"]
    assert [str(finding) for finding in found if finding.severity == "error" and finding.rule not in RULES] == []
    return [finding for finding in found if finding.rule in RULES]


def said(text):
    return [finding.message for finding in messages(HEAD + text)]


TASKS = "tasks: {a: {run: x}}\n"
CONDITION = '"inputs.s" is text; a condition must be true or false'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: {a: {run: x, if: inputs.s}}", CONDITION),
        ("tasks: {a: {run: x, retry: {max_attempts: 2, if: inputs.s}}}", CONDITION),
        ("tasks: {a: {run: x, retry: {max_attempts: 2, if: error.kind}}}", '"error.kind" is text; a condition must be true or false'),
        ("tasks: {a: {switch: {one: inputs.s, two: otherwise}}, b: {needs: a.one, run: x}}", CONDITION),
        ("tasks: {a: {run: x, repeat: {until: inputs.s, max_iterations: 2}}}", CONDITION),
        ("tasks: {a: {run: x, repeat: {while: inputs.s, max_iterations: 2}}}", CONDITION),
        ("tasks: {a: {tasks: {b: {run: x}}, repeat: {until: tasks.b.outcome, max_iterations: 2}}}", '"tasks.b.outcome" is text; a condition must be true or false'),
        ("tasks: {a: {uses: event, with: {type: x, match: inputs.s}}}", CONDITION),
        ("checks: [{if: inputs.s, message: m}]\n" + TASKS, CONDITION),
        ("on: {event: [{type: x, if: trigger.body.size() + 1, inputs: {n: 1, s: a, dry: true, regions: [], dbs: []}}]}\n" + TASKS, "what '+' gives is a whole number; a condition must be true or false"),
        ("tasks: {a: {run: x, for_each: inputs.n}}", '"inputs.n" is a whole number; for_each goes through a list or a map'),
        ("tasks: {a: {run: x, for_each: inputs.dbs, key: item}}", '"item" is a map; a key is text or a number'),
        ("tasks: {a: {run: x, env: {A: 'x ${{ inputs.dbs }}'}}}", '"inputs.dbs" is a list; only text, numbers and booleans can stand inside text'),
        ("tasks: {a: {run: x, env: {A: 'x ${{ null }}'}}}", "null is null; only text, numbers and booleans can stand inside text"),
        ("tasks: {a: {uses: http, with: {url: '${{ inputs.n }}'}}}", '"inputs.n" is a whole number; "url" must be text'),
        ("tasks: {a: {uses: http, with: {url: 'http://a', body: '${{ inputs.n }}'}}}", '"inputs.n" is a whole number; "body" must be text or null'),
        ("tasks: {a: {uses: http, with: {url: 'http://a', allow_status: ['${{ inputs.s }}']}}}", '"inputs.s" is text; "an item of allow_status" must be a whole number'),
        ("tasks: {a: {uses: message, with: {to: '${{ inputs.n }}', text: x}}}", '"inputs.n" is a whole number; "to" must be text or a list'),
        ("tasks: {a: {uses: wait, with: {for: '${{ inputs.n }}'}}}", '"inputs.n" is a whole number; "for" must be text or null'),
        ("tasks: {a: {workflow: child, with: {n: '${{ inputs.s }}', s: a}}}", '"inputs.s" is text; "n" must be a whole number'),
        ("tasks: {a: {workflow: child, with: {n: '1${{ inputs.n }}', s: a}}}", 'text with ${{ }} in it is text; "n" must be a whole number'),
        ("tasks: {a: {workflow: child, with: {n: 1, s: a, list: ['${{ inputs.n }}']}}}", '"inputs.n" is a whole number; "an item of list" must be text'),
        ("outputs: {a: '${{ inputs.?s }}'}\n" + TASKS, "the result is an optional, which ends here; give it a value with .orValue(...)"),
        *(
            (f"on: {{{kind}, inputs: {{n: '${{{{ {source} }}}}', s: a, dry: true, regions: [], dbs: []}}}}]}}\n" + TASKS, f'"{source}" is text; "n" must be a whole number')
            for kind, source in (("webhook: [{source: github", "vars.team.name"), ("schedule: [{cron: '0 1 * * *'", "vars.team.name"), ("event: [{type: x", "vars.team.name"), ("workflow: [{name: child", "vars.team.name"))
        ),
    ],
)  # fmt: skip
def test_each_place_says_what_it_takes(text, message):
    assert said(text) == [message]


@pytest.mark.parametrize(
    "text",
    [
        'tasks: {a: {run: x, if: "true"}}',
        "tasks: {a: {run: x, if: true}}",
        "tasks: {a: {run: x, for_each: inputs.regions, key: item + '1'}}",
        "tasks: {a: {run: x, for_each: inputs.regions, key: index}}",
        "tasks: {switch: {run: x, for_each: inputs.regions, key: item}}",
        "tasks: {if: {run: x, for_each: inputs.regions, key: item}}",
        "tasks: {a: {run: x, for_each: vars.team, key: item.key + item.value}}",
        "tasks: {a: {run: x, for_each: {product: {os: [a], n: [1]}}, env: {A: '${{ item.os }}'}}}",
        "tasks: {a: {run: x, cache: {key: '${{ inputs.n }}', ttl: 1h}}}",
        "tasks: {a: {run: x, env: {A: '${{ inputs.n }} ${{ inputs.dry }} ${{ timestamp(instance.started_at) }}'}}}",
        "tasks: {a: {uses: http, with: {url: '${{ inputs.s }}', headers: {X: '${{ inputs.n }}'}, json: '${{ inputs.dbs }}'}}}",
        "tasks: {a: {uses: wait, with: {until: \"${{ timestamp(instance.started_at) + duration('1h') }}\"}}}",
        "tasks: {a: {workflow: child, with: {n: '${{ inputs.n }}', s: '${{ inputs.n }}-x', list: '${{ inputs.regions }}'}}}",
        "on: {webhook: [{source: github, if: trigger.body.x, inputs: {n: '${{ trigger.body.n }}', s: a, dry: true, regions: [], dbs: []}}]}\n"
        + TASKS,
        "tasks: {a: {uses: values, with: {x: '${{ inputs.n + 1 }}'}}, b: {needs: a, run: x, if: tasks.a.outputs.x > 2}}",
    ],
)  # fmt: skip
def test_what_fits_its_place_is_quiet(text):
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: {a: {run: x, for_each: inputs.regions, if: 'true', env: {A: '${{ item.size() + item }}'}}}", "what size() gives is a whole number and \"item\" is text; '+' takes two numbers of one sort, two texts, two lists, or times"),
        ("tasks: {a: {run: x, for_each: inputs.dbs, as: db, env: {A: '${{ db.port.trim() }}'}}}", '"db.port" is a whole number; trim() needs text'),
        ("tasks: {a: {for_each: inputs.dbs, as: db, tasks: {b: {run: x, env: {A: '${{ db.host + 1 }}'}}}}}", "\"db.host\" is text and 1 is a whole number; '+' takes two numbers of one sort, two texts, two lists, or times"),
        ("tasks: {a: {run: x, for_each: '[1, 2]', env: {A: '${{ item.trim() }}'}}}", '"item" is a whole number; trim() needs text'),
        ("tasks: {a: {run: x, for_each: [eu, us], env: {A: '${{ -item }}'}}}", "\"item\" is text; '-' needs a number"),
        ("tasks: {a: {run: x, for_each: vars, env: {A: '${{ -item.key }}'}}}", "\"item.key\" is text; '-' needs a number"),
        ("tasks: {a: {run: x, for_each: inputs.regions, env: {A: '${{ index.trim() }}'}}}", '"index" is a whole number; trim() needs text'),
        ("tasks: {a: {uses: values, with: {x: '${{ inputs.n }}', y: {z: 1}}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.x.trim() }}'}}}", '"tasks.a.outputs.x" is a whole number; trim() needs text'),
        ("tasks: {a: {uses: values, with: {x: 'v${{ inputs.n }}'}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.x + 1 }}'}}}", "\"tasks.a.outputs.x\" is text and 1 is a whole number; '+' takes two numbers of one sort, two texts, two lists, or times"),
        ("tasks: {a: {tasks: {c: {run: x}}, outputs: {x: '${{ inputs.n }}'}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.x.trim() }}'}}}", '"tasks.a.outputs.x" is a whole number; trim() needs text'),
        ("tasks: {a: {for_each: inputs.dbs, tasks: {c: {run: x}}, outputs: {x: '${{ item.port }}'}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs[0].x.trim() }}'}}}", '"tasks.a.outputs[0].x" is a whole number; trim() needs text'),
        ("tasks: {a: {run: x, outputs: {x: {type: integer}}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.x.trim() }}'}}}", '"tasks.a.outputs.x" is a whole number; trim() needs text'),
        ("tasks: {a: {uses: approval, with: {message: m, approvers: [ann], form: {x: {type: integer}}}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.x.trim() }}'}}}", '"tasks.a.outputs.x" is a whole number; trim() needs text'),
        ("tasks: {a: {uses: http, with: {url: 'http://a'}}, b: {needs: a, run: x, env: {A: '${{ tasks.a.outputs.status.trim() }}'}}}", '"tasks.a.outputs.status" is a whole number; trim() needs text'),
        ("tasks: {a: {run: x, env: {A: '${{ vars.size.trim() }}'}}}", '"vars.size" is a whole number; trim() needs text'),
    ],
)  # fmt: skip
def test_types_reach_from_where_a_value_is_made(text, message):
    assert said(text) == [message]


def test_it_stands_at_its_place_in_folded_and_quoted_text():
    text = HEAD + "tasks:\n  a:\n    run: x\n    if: >-\n      inputs.dry &&\n      inputs.n.startsWith('1')\n"
    (finding,) = messages(text)
    assert (finding.line, finding.column, finding.end_column) == (13, 7, 15)
    (finding,) = messages(HEAD + 'tasks:\n  a:\n    run: x\n    env: {A: "\\u00e9 \\"${{ inputs.n.trim() }}\\""}\n')
    assert (finding.line, finding.column, finding.end_column) == (11, 28, 36)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("tasks: {a: {workflow: child, with: {n: three, s: a}}}", ("n", "bad-value")),
        ("tasks: {a: {workflow: child, with: {n: 3, s: a, list: [1]}}}", ("list", "bad-value")),
        ("on: {event: [{type: x, inputs: {n: 1.5, s: a, dry: true, regions: [], dbs: []}}]}\n" + TASKS, ("n", "bad-value")),
    ],
)  # fmt: skip
def test_what_stands_in_the_file_must_fit_the_input(text, finding):
    name, rule = finding
    files = {"w.yaml": (HEAD + text).encode(), "child.yaml": CHILD.encode()}
    (found,) = [found for found in lint(files) if found.path == "w.yaml" and found.severity == "error"]
    assert found.rule == rule
    assert found.message.startswith(f'"{name}" does not fit the schema of the input')
