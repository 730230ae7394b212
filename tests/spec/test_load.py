"""What the one loader makes of files."""

from pathlib import Path

import pytest

from engine.core.expressions.model import Expression, Literal, MapOf, Text
from engine.core.model import Edge, Join
from engine.spec.load import load

EXAMPLES = Path(__file__).parents[2] / "workflows"
PROJECT = b"""
time_zone: Europe/Paris
people:
  ana: {email: ana@example.com, emails: [ana@work.example, ana@example.com], slack: U1, logins: ana-dev}
  ben: {emails: [ben@example.com]}
groups: {ops: [ana, ben]}
channels:
  ops: {kind: email, to: [group:ops, ana, all@example.com]}
  chat: {kind: slack, secret: SLACK_URL}
  log: {kind: log}
webhooks:
  github: {provider: github, secret: HOOK, max_body: 5MiB}
  other: {provider: hmac, secrets: [NEW, OLD], signature_header: X-Sig, prefix: "", id_header: X-Id, event_header: X-Type}
vars: {registry: {host: r.example.com}, list: [1, null]}
secrets: [TOKEN]
approvals: {identity: link}
sync: {channel: ops, webhook: github, status: {secret: STATUS, url: "https://git.example.com/api"}}
"""


def compiled(text, project=b""):
    files = {"w.yaml": text if isinstance(text, bytes) else text.encode()}
    if project:
        files["project.yaml"] = project
    loaded = load(files)
    assert loaded.findings == (), [str(finding) for finding in loaded.findings]
    return loaded.workflows["w.yaml"]


def rules(text, project=b""):
    return [finding.rule for finding in load({"w.yaml": text.encode(), "project.yaml": project}).findings]


def test_project():
    loaded = load({"deep/project.yaml": PROJECT})
    assert loaded.findings == ()
    project = loaded.project
    assert project.people["ana"].emails == ("ana@example.com", "ana@work.example")
    assert project.people["ana"].logins == ("ana-dev",)
    assert project.members(["group:ops"]) == ("ana", "ben")
    assert project.channels["ops"].to == ("group:ops", "ana", "all@example.com")
    assert project.channels["chat"].secret == "SLACK_URL"
    assert project.webhooks["github"].max_body == 5 * 1024 * 1024
    assert project.webhooks["other"].secrets == ("NEW", "OLD")
    assert project.webhooks["other"].event_header == "X-Type"
    assert project.vars == {"registry": {"host": "r.example.com"}, "list": [1, None]}
    assert (project.time_zone, project.approval_identity, project.secrets) == ("Europe/Paris", "link", ("TOKEN",))
    assert (project.sync_channel, project.sync_webhook) == ("ops", "github")
    assert (project.status_secret, project.status_url) == ("STATUS", "https://git.example.com/api")
    assert project.from_json(project.to_json()) == project


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time_zone: Mars/Olympus", 'project.yaml:1:12: error: "Mars/Olympus" is no IANA time zone'),
        ("time_zone: ../../etc/passwd", 'project.yaml:1:12: error: "../../etc/passwd" is no IANA time zone'),
        ("time_zone: Europe", 'project.yaml:1:12: error: "Europe" is no IANA time zone'),
        ("groups: {ops: [ana]}", 'project.yaml:1:16: error: there is no person "ana"'),
        ("channels: {a: {kind: email}}", "project.yaml:1:12: error: `to` is needed"),
        ("channels: {a: {kind: slack}}", "project.yaml:1:12: error: `secret` is needed"),
        ("channels: {a: {kind: email, to: bob}}", 'project.yaml:1:33: error: there is no person "bob"'),
        ("channels: {a: {kind: mail, to: [a@b]}}", 'project.yaml:1:22: error: "kind" must be one of email, slack, log'),
        ("webhooks: {a: {provider: github}}", "project.yaml:1:12: error: a webhook source needs `secret`"),
        ("webhooks: {a: {provider: github, secret: A, max_body: 26MiB}}", "project.yaml:1:55: error: the size must be"),
        ("webhooks: {a: {provider: github, secret: s3cr3t}}", 'project.yaml:1:42: error: "s3cr3t" does not match'),
        ("sync: {channel: a}", 'project.yaml:1:17: error: there is no channel "a"'),
        ("vars: {A: 1}", 'project.yaml:1:8: error: "A" does not match'),
        ("peple: {}", 'project.yaml:1:1: error: unknown key "peple"; did you mean "people"?'),
    ],
)
def test_project_refusals(text, expected):
    [finding] = load({"project.yaml": text.encode()}).findings
    assert str(finding).startswith(expected)


def test_a_broken_project_makes_nothing_unknown():
    workflow = 'name: a\ntasks: {t: {uses: message, with: {channel: x, text: "${{ vars.y }}${{ secrets.Z }}"}}}\n'
    loaded = load({"project.yaml": b"channels: 5", "w.yaml": workflow.encode()})
    assert [finding.path for finding in loaded.findings] == ["project.yaml"]
    assert not loaded.project_ok


def test_which_files_are_loaded():
    text = b"name: %s\ntasks: {t: {run: 'true'}}\n"
    names = ["a.yaml", "d/b.yml", "c.test.yaml", "c.test.yml", "README.md", "e.json"]
    loaded = load({name: text % str(index).join("ab").encode() for index, name in enumerate(names)})
    assert loaded.findings == ()
    assert set(loaded.workflows) == {"a.yaml", "d/b.yml"}
    assert loaded.texts["a.yaml"] == "name: a0b\ntasks: {t: {run: 'true'}}\n"


def test_one_broken_file_leaves_the_others():
    loaded = load(
        {"a.yaml": b"name: a\ntasks: {t: {run: x}}", "b.yaml": b"name: a\ntasks: {t: {run: x}}", "c.yaml": b"["}
    )
    assert set(loaded.workflows) == {"a.yaml"}
    assert {finding.rule for finding in loaded.errors} == {"duplicate-name", "yaml-syntax"}


def test_examples_load():
    loaded = load({str(path): path.read_bytes() for path in EXAMPLES.glob("*.yaml")})
    assert loaded.findings == ()
    assert {definition.name for definition in loaded.workflows.values()} >= {"hello", "release", "http-check"}


def test_a_definition():
    definition = compiled((EXAMPLES / "release.yaml").read_bytes(), (EXAMPLES / "project.yaml").read_bytes())
    assert definition.inputs["required"] == ["service", "sha"]
    assert definition.inputs["additionalProperties"] is False
    assert definition.timeout == 3 * 86_400_000
    assert list(definition.tasks.tasks) == ["build", "approve", "deploy", "refused"]
    assert definition.tasks.followers["approve"] == ("deploy", "refused")
    build, approve, deploy, refused = definition.tasks.tasks.values()
    assert (build.kind, build.timeout, build.retry.max_attempts, build.line) == ("script", 600_000, 3, 23)
    assert build.retry.condition.refs == (("error", "kind"),)
    assert (approve.timeout, approve.retry.max_attempts) == (None, 1)
    assert deploy.edges == (Edge(source="approve", outcome="approved"),)
    assert refused.join == Join(mode="any")
    [hook] = definition.webhooks
    assert (hook.source, hook.events) == ("github", ("push",))
    assert isinstance(hook.inputs, MapOf)


def test_templates():
    task = compiled("""
name: w
inputs: {n: {type: integer}}
tasks:
  t:
    uses: values
    with:
      whole: ${{ inputs.n }}
      mixed: n is ${{ inputs.n }}!
      literal: $${{ inputs.n }}
      plain: [1, {a: null}]
      deep: [{a: ["${{ inputs.n + 1 }}"]}]
""").tasks.tasks["t"]
    params = dict(task.params.items)
    assert isinstance(params["whole"], Expression)
    assert isinstance(params["mixed"], Text)
    assert [part if isinstance(part, str) else part.source for part in params["mixed"].parts] == [
        "n is ",
        "inputs.n",
        "!",
    ]
    assert params["literal"] == Literal(value="${{ inputs.n }}")
    assert params["plain"] == Literal(value=[1, {"a": None}])
    assert params["deep"].items[0].items[0][1].items[0].source == "inputs.n + 1"


def test_positions_in_the_file_follow_every_style_of_scalar():
    task = compiled("""\
name: w
inputs: {n: {type: integer}}
tasks:
  t:
    if: inputs.n > 1 &&
      inputs.n < 9
    uses: values
    with:
      folded: >-
        a
        ${{ inputs.n
        + 1 }}
      quoted: "\\t${{ inputs.n }}"
""").tasks.tasks["t"]
    assert [(offset, at.line, at.column) for offset, at in task.condition.starts] == [
        (0, 5, 9),
        (16, 6, 7),
    ]
    folded, quoted = (value.parts[1] for _, value in task.params.items)
    assert [(at.line, at.column) for _, at in folded.starts] == [(11, 13), (12, 9)]
    assert [(at.line, at.column) for _, at in quoted.starts] == [(13, 22)]


def test_defaults_reach_leaves_that_work():
    definition = compiled("""
name: w
defaults: {timeout: 5m, deadline: 1h, retry: {max_attempts: 4, delay: 2s, if: error.kind == "x"}}
tasks:
  plain: {run: "true"}
  own: {run: "true", timeout: 1m, retry: {max_attempts: 2}}
  wait: {uses: wait, with: {for: 1s}}
finally:
  last: {run: "true"}
""")
    plain, own, wait = (definition.tasks.tasks[name] for name in ("plain", "own", "wait"))
    last = definition.finally_.tasks["last"]
    assert (plain.timeout, plain.deadline, plain.retry.max_attempts, plain.retry.delay) == (
        300_000,
        3_600_000,
        4,
        2_000,
    )
    assert plain.retry == last.retry
    assert (own.timeout, own.retry.max_attempts, own.retry.delay, own.retry.condition) == (60_000, 2, 1_000, None)
    assert (wait.timeout, wait.deadline, wait.retry.max_attempts) == (None, None, 1)


def test_needs_in_every_form():
    definition = compiled("""
name: w
tasks:
  z: {needs: [c.failed, a.done], join: {at_least: 1}, run: "true"}
  c: {needs: a.succeeded, run: "true"}
  b: {needs: [a], join: merge, run: "true"}
  a: {run: "true"}
""")
    assert list(definition.tasks.tasks) == ["a", "c", "z", "b"]
    z = definition.tasks.tasks["z"]
    assert z.edges == (Edge(source="c", outcome="failed"), Edge(source="a", outcome="done"))
    assert z.join == Join(mode="at_least", n=1)
    assert definition.tasks.followers == {"z": (), "c": ("z",), "b": (), "a": ("z", "c", "b")}


def test_conditions_may_be_booleans_of_yaml():
    task = compiled("name: w\ntasks: {t: {if: True, run: 'true'}}").tasks.tasks["t"]
    assert task.condition.source == "true"


def test_script_parameters():
    task = compiled("name: w\ntasks: {t: {run: make, shell: sh, working_directory: /srv, env: {A: 1}}}").tasks.tasks[
        "t"
    ]
    assert task.params == Literal(value={"script": "make", "shell": "sh", "working_directory": "/srv"})
    assert task.env == Literal(value={"A": 1})


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("{needs: a.failed, run: x, env: {E: '${{ tasks.a.error.message }}'}}", None),
        ("{needs: a.done, run: x, env: {E: '${{ tasks.a.error.message }}'}}", "maybe-absent"),
        ("{needs: a, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", None),
        ("{needs: a, run: x, env: {E: '${{ tasks.a.outputs.w }}'}}", "unknown-name"),
        ("{needs: a.done, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", "maybe-absent"),
        ("{needs: a.done, run: x, env: {E: '${{ tasks.a.outcome }}'}}", None),
        ("{needs: a.done, run: x, if: tasks.a.outcome == 'succeeded' && tasks.a.outputs.v == 'x'}", None),
        ("{needs: b, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", None),
        ("{needs: b.done, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", "maybe-absent"),
        ("{needs: [a, b], join: any, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", None),
        ("{needs: [a, c], join: any, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", "maybe-absent"),
        ("{needs: [a, c], join: any, run: x, env: {E: '${{ tasks.a.outcome }}'}}", "maybe-absent"),
        ("{needs: [a, c], join: merge, run: x, env: {E: '${{ tasks.a.outcome }}'}}", None),
        ("{needs: c, run: x, env: {E: '${{ tasks.a.outputs.v }}'}}", "not-awaited"),
        ("{run: x, env: {E: '${{ secrets.TOKEN }}'}}", None),
        ("{run: x, env: {E: '${{ secrets.TOKN }}'}}", "unknown-secret"),
        ("{run: x, if: secrets.TOKEN == ''}", "misplaced-secret"),
        ("{run: x, retry: {max_attempts: 2, if: error.kind == 'timeout'}}", None),
        ("{run: x, if: error.kind == 'timeout'}", "unknown-name"),
        ("{run: x, env: {E: '${{ vars.registry.host }}'}}", None),
        ("{run: x, env: {E: '${{ vars.registry.hst }}'}}", "unknown-name"),
        ("{run: x, env: {E: '${{ inputs.o.known }}'}}", None),
        ("{run: x, env: {E: '${{ inputs.o.maybe }}'}}", "maybe-absent"),
        ("{run: x, env: {E: '${{ inputs.o.?maybe.orValue(1) }}'}}", None),
        ("{run: x, env: {E: '${{ inputs.any.thing }}'}}", None),
        ("{run: x, env: {E: '${{ trigger.body.anything }}'}}", None),
        ("{run: x, env: {E: '${{ trigger.bdy }}'}}", "unknown-name"),
    ],
)
def test_what_a_task_may_read(task, rule):
    text = f"""
name: w
inputs:
  o: {{type: object, required: [known], properties: {{known: {{}}, maybe: {{}}}}}}
  any: {{type: object}}
tasks:
  a: {{run: x, outputs: {{v: {{type: string}}}}}}
  b: {{needs: a, run: x}}
  c: {{run: x}}
  t: {task}
"""
    assert rules(text, PROJECT) == ([rule] if rule else [])


def test_finally_reads_every_task_but_must_expect_its_absence():
    text = "name: w\ntasks: {a: {run: x, outputs: {v: {type: string}}}}\nfinally: {f: {run: x, env: {E: '${{ %s }}'}}}"
    assert rules(text % "tasks.a.outcome") == []
    assert rules(text % "tasks.a.outputs.?v.orValue(0)") == []
    assert rules(text % "tasks.a.outputs.v") == ["maybe-absent"]
    assert rules(text % "instance.failures.size()") == []
    assert rules(text % "tasks.f.outcome") == ["not-awaited"]


def test_outputs_of_the_workflow_read_what_surely_succeeded():
    text = """
name: w
tasks:
  a: {run: x, outputs: {v: {type: string}}}
  b: {needs: a, %s run: x, outputs: {v: {type: string}}}
outputs: {v: "${{ tasks.b.outputs.v }}"}
"""
    assert rules(text % "") == []
    assert rules(text % "if: 'true',") == ["maybe-absent"]
    assert rules(text.replace('outputs: {v: "', 'outputs: {w: "') % "") == []
    assert rules((text % "").replace('outputs: {v: "', '  c: {needs: b.failed, run: x}\noutputs: {v: "')) == [
        "maybe-absent"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tasks: {t: {run: x, timeout: 0s}}", ["bad-value"]),
        ("tasks: {t: {run: x, deadline: 0ms}}", ["bad-value"]),
        ("timeout: 0h\ntasks: {t: {run: x}}", ["bad-value"]),
        ("defaults: {timeout: 0s}\ntasks: {t: {run: x}}", ["bad-value"]),
        ("tasks: {t: {run: x, retry: {max_attempts: 2, delay: 0s}}}", []),
        ("tasks: {t: {uses: wait, with: {for: 0s}}}", []),
        ("tasks: {finally: {run: x}}", ["reserved-name"]),
        ("tasks: {t: {run: x}}\nfinally: {finally: {run: x}}", []),
    ],
)
def test_what_could_never_end_well_is_refused(text, expected):
    assert rules(f"name: w\n{text}\n") == expected


@pytest.mark.parametrize("pattern", ["^(?!x)a", r"(a)\\1", "(?=b)"])
def test_a_pattern_that_the_engine_could_not_run_is_refused(pattern):
    """One validator for lint and engine: what lint passes, the engine runs."""
    text = f'name: w\ninputs: {{i: {{type: string, pattern: "{pattern}"}}}}\ntasks: {{t: {{run: x, env: {{I: "${{{{ inputs.i }}}}"}}}}}}\n'
    [finding] = load({"w.yaml": text.encode()}).findings
    assert (finding.rule, "linear" in finding.message) == ("bad-schema", True)
