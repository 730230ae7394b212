"""`headrace run` where nobody watches: what it tells line by line, whom it asks, how it ends."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.cli.running import PATIENCE, process, run, write
from tests.servers import wait_until

PROJECT = """
people: {ana: {email: ana@example.com}, ben: {email: ben@example.com}}
groups: {both: [ana, ben]}
channels: {releases: {kind: email, to: [ana]}}
vars: {version: "1.0", copies: 2}
secrets: [TOKEN]
webhooks: {shop: {provider: hmac, secret: TOKEN}}
"""
KID = """
name: kid
inputs: {n: {type: integer}}
on: {schedule: [{cron: "* * * * *", inputs: {n: 1}}], event: [{type: order.paid, inputs: {n: 2}}]}
tasks:
  one: {run: 'echo "kid $N"', env: {N: "${{ inputs.n }}"}}
  tell: {needs: one, uses: message, with: {channel: releases, subject: Hi, text: "two\\nlines"}}
"""
SHIP = """
name: ship
inputs: {version: {type: string}, regions: {type: array, items: {type: string}, default: [eu, us]}}
tasks:
  build:
    run: |
      echo "building $V"
      printf '\\033[31mred\\033[0m \\033]0;title\\007bell\\007 \\033[2Jclear\\n'
      echo "image=r/x:$V" >> "$HEADRACE_OUTPUT"
    env: {V: "${{ inputs.version }}"}
    outputs: {image: {type: string}}
  deploy:
    needs: build
    for_each: inputs.regions
    as: region
    key: region
    run: 'test "$R" != us || { echo "no route to $R"; exit 7; }'
    env: {R: "${{ region }}"}
  child: {workflow: kid, with: {n: 3}, needs: build}
  after: {needs: deploy, run: echo after}
finally:
  clean: {run: echo cleaning}
outputs: {image: "${{ tasks.build.outputs.image }}"}
"""
ASK = """
name: ask
tasks:
  approve:
    uses: approval
    with:
      message: Ship it?
      approvers: [group:both]
      require: 2
      form: {how: {enum: [fast, slow], default: slow}}
      expires: 1h
  ship: {needs: approve, run: 'echo "$HOW by $BY"', env: {HOW: "${{ tasks.approve.outputs.how }}", BY: "${{ tasks.approve.outputs.decided_by.join(' and ') }}"}}
  refused: {needs: [approve.rejected, approve.expired], join: any, run: echo refused}
finally:
  clean: {run: echo cleaning}
"""
EVENTS = """
name: events
tasks:
  pay: {uses: event, with: {type: order.paid, match: event.body.n == 2, timeout: 1h}}
  late: {uses: event, with: {type: never, timeout: 200ms}}
  gave_up: {needs: late.timed_out, run: 'true'}
  tell: {needs: pay, run: 'echo "$T $N"', env: {T: "${{ secrets.TOKEN }}", N: "${{ string(tasks.pay.outputs.body.n) }}"}}
"""
SLOW = """
name: slow
tasks:
  work:
    run: |
      trap 'echo told; exit 5' TERM
      echo working
      sleep 300 & wait
finally:
  clean: {run: echo cleaning}
"""


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, {"project.yaml": PROJECT, "kid.yaml": KID, "ship.yaml": SHIP, "ask.yaml": ASK})
    return tmp_path


def test_a_run_is_told_in_order_and_summed_up(folder):
    ran = run(folder, "ship.yaml", "-i", "version=1.10", "-i", 'regions=["eu"]')
    assert ran.err == ""
    assert ran.status == 0
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d .*", line) for line in ran.out.partition("\n\n")[0].splitlines())
    told = [re.sub(r" in [\d.]+ m?s", "", line) for line in ran.told]
    for task in ("build", "deploy[eu]", "child > one", "after", "finally/clean"):
        assert told.index(f"{task} started") < told.index(f"{task} succeeded")
    assert told.index("build | building 1.10") < told.index("build succeeded") < told.index("deploy started: 1 item")
    assert told.index("child > one | kid 3") < told.index("child > one succeeded") < told.index("child succeeded")
    assert "message, not sent, to channel releases: Hi" in told
    table, outputs, verdict = ran.out.rstrip("\n").split("\n\n")[1:]
    assert [line.split()[1] for line in table.splitlines()] == [
        "build", "deploy", "deploy[eu]", "child", "one", "tell", "after", "finally/clean"
    ]  # fmt: skip
    assert outputs == "image = r/x:1.10"
    assert re.fullmatch(r"✓ ship succeeded in [\d.]+ m?s", verdict)


def test_nothing_that_tasks_print_is_obeyed(folder):
    ran = run(folder, "ship.yaml", "-i", "version=1")
    assert "build | red bell\N{REPLACEMENT CHARACTER} clear" in ran.told
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x9b]", ran.out)


def test_a_failure_is_told_with_its_last_words_and_the_verdict_comes_last(folder):
    ran = run(folder, "ship.yaml", "-i", "version=1")
    assert ran.status == 1
    *_, failure, verdict = ran.out.rstrip("\n").split("\n\n")
    assert failure.splitlines() == [
        "deploy[us] failed: exit: the script ended with exit code 7: no route to us",
        "  | no route to us",
    ]
    assert verdict.startswith("✗ ship failed in ")
    assert "after skipped: it waits for deploy.succeeded, but the outcome was failed" in ran.told


def test_what_is_wrong_with_the_file_is_said_as_lint_says_it(folder):
    write(folder, {"bad.yaml": "name: bad\ntasks:\n  a: {run: echo, neds: b}\n"})
    ran = run(folder, "bad.yaml")
    assert (ran.status, ran.out) == (2, "")
    assert 'bad.yaml:3:18: error: unknown key "neds"; did you mean "needs"? [unknown-key]\n3 |' in ran.err
    beside = run(folder, "kid.yaml", "-i", "n=1", "-q")
    assert beside.status == 0
    assert beside.err == "headrace: bad.yaml has errors and is left out; `headrace lint bad.yaml` shows them\n"


def test_a_workflow_that_it_calls_must_be_well_too(folder):
    write(folder, {"kid.yaml": KID.replace("needs: one", "needs: two")})
    ran = run(folder, "ship.yaml", "-i", "version=1")
    assert ran.status == 2
    assert 'kid.yaml:7:17: error: task "tell" needs "two"' in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.yaml"], "gone.yaml cannot be read: No such file or directory"),
        (["."], ". is a folder"),
        (["project.yaml"], "is no workflow file"),
        (["ship.yaml"], '/: "version" is a required property'),
        (["ship.yaml", "-i", "version"], "'version' is not NAME=VALUE"),
        (["ship.yaml", "-i", "version=1", "--var", "copis=3"], "no var 'copis'; did you mean 'copies'?"),
        (["ship.yaml", "-i", "version=1", "--var", "copies=many"], "'copies' is number in project.yaml, not string"),
        (["ship.yaml", "-i", "version=1", "--secret", "TOKEN"], "--secret TOKEN takes the variable TOKEN, which is not"),
        (["ship.yaml", "-i", "version=1", "--event", "x={"], "the body of the event 'x' is no JSON"),
        (["ship.yaml", "-i", "version=1", "--timeout", "soon"], "--timeout:"),
        (["ship.yaml", "-i", "version=1", "--keep", "."], "--keep .: the folder is not empty"),
    ],
)  # fmt: skip
def test_what_is_used_wrongly_is_refused(headrace, tmp_path, arguments, said):
    """In this process, where no run gets as far as to start."""
    write(tmp_path, {"project.yaml": PROJECT, "kid.yaml": KID, "ship.yaml": SHIP})
    done = headrace("run", *arguments)
    assert done.status == 2
    assert said in done.said


def test_yes_approves_as_all_who_are_needed(folder):
    ran = run(folder, "ask.yaml", "--yes", "--as", "ben")
    assert ran.status == 0
    assert "approve waits for 2 of ana or ben: Ship it?" in ran.told
    assert "ship | slow by ben and ana" in ran.told


def test_what_nobody_answers_is_cancelled_and_said(folder):
    ran = run(folder, "ask.yaml")
    assert ran.status == 3
    assert "cancelling: nobody is there to answer" in ran.told
    assert "finally/clean | cleaning" in ran.told
    wanted = "approve waits for 2 of ana or ben: Ship it? (approve with --yes, or run it in a terminal)"
    assert ran.out.rstrip("\n").splitlines()[-1] == f"  {wanted}"


def test_yes_makes_nothing_up(folder):
    write(folder, {"ask.yaml": ASK.replace("default: slow", "title: how")})
    ran = run(folder, "ask.yaml", "--yes")
    assert ran.status == 3
    assert "(--yes cannot fill in its form: how without a default)" in ran.out
    write(folder, {"ask.yaml": ASK.replace("expires: 1h", "expires: 1h\n      exclude: [starter]")})
    alone = run(folder, "ask.yaml", "--yes", "--as", "ana")
    assert alone.status == 3
    assert "(it needs 2, and only ben may decide)" in alone.out


def test_events_given_are_sent_as_tasks_wait_for_them(folder):
    write(folder, {"events.yaml": EVENTS})
    given = ["--event", 'order.paid={"n": 1}', "--event", 'order.paid={"n": 2}', "--event", "other"]
    ran = run(folder, "events.yaml", *given, "--secret", "TOKEN", TOKEN="hunter2222")
    assert ran.status == 0
    assert "tell | *** 2" in ran.told
    assert "hunter2222" not in ran.out
    assert "no task waited for the event other, which was not sent" in ran.out
    # What listens to this event beside it has not been started.
    assert "kid" not in ran.out


def test_an_event_that_nobody_sends_is_not_waited_for(folder):
    write(folder, {"events.yaml": EVENTS})
    ran = run(folder, "events.yaml")
    assert ran.status == 3
    assert "gave_up started" in ran.told  # what ends by itself in a moment is
    assert "  pay waits for the event order.paid; send it with --event 'order.paid=JSON'" in ran.out


def test_a_body_stands_for_a_trigger(folder):
    hooked = """
name: hooked
on: {webhook: [{source: shop, if: trigger.body.n > 1, inputs: {n: "${{ trigger.body.n }}"}}]}
inputs: {n: {type: integer}, m: {type: integer, default: 1}}
tasks: {x: {run: echo}}
outputs: {n: "${{ inputs.n }}", m: "${{ inputs.m }}", source: "${{ trigger.source }}", v: "${{ vars.version }}"}
"""
    write(folder, {"hooked.yaml": hooked, "body.json": '{"n": 5}'})
    ran = run(folder, "hooked.yaml", "--trigger", "body.json", "-i", "m=2", "--var", "version=2.10", "--json")
    assert ran.status == 0
    assert ran.json["outputs"] == {"n": 5, "m": 2, "source": "shop", "v": "2.10"}
    refused = run(folder, "hooked.yaml", "--trigger", "-", given='{"n": 1}')
    assert (refused.status, refused.out) == (2, "")
    assert "does not take what --trigger gives: condition is false: trigger.body.n > 1" in refused.err


def test_programs_get_json_and_people_the_rest(folder):
    write(folder, {"in.yaml": "version: '2'\nregions: [us]\n"})
    ran = run(folder, "ship.yaml", "--inputs", "in.yaml", "--json")
    assert ran.status == 1
    assert ran.json["state"] == "failed"
    assert ran.json["inputs"] == {"version": "2", "regions": ["us"]}
    assert ran.json["started_by"] == "sam"
    states = {task["path"]: task["state"] for task in ran.json["tasks"]}
    assert states == {
        "build": "succeeded", "deploy": "failed", "deploy[us]": "failed", "child": "succeeded", "after": "skipped",
        "finally/clean": "succeeded",
    }  # fmt: skip
    assert [task["path"] for task in ran.json["children"]["child"]["tasks"]] == ["one", "tell"]
    assert "build | building 2" in ran.err


def test_quiet_shows_only_the_end(folder):
    ran = run(folder, "kid.yaml", "--inputs", "-", "--quiet", given='{"n": 1}')
    assert ran.status == 0
    assert ran.out.startswith("message, not sent, to channel releases: Hi\n  | two\n  | lines\n\n✓ one")


def test_what_is_kept_can_be_looked_at(folder, monkeypatch):
    ran = run(folder, "kid.yaml", "-i", "n=1", "-q", "--keep", "kept")
    assert ran.status == 0
    assert {path.name for path in (folder / "kept").iterdir()} >= {"instances.db", "definitions.db"}
    assert "kept in kept; its pages: HEADRACE_STATE_DIR=kept headrace api" in ran.out


def test_settings_that_lead_to_another_engine_are_not_used(folder):
    elsewhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    ran = run(folder, "kid.yaml", "-i", "n=1", "-q", HEADRACE_INSTANCES_URL=elsewhere, HEADRACE_BROKER_URL="redis://no")
    assert ran.status == 0


def test_a_terminal_without_our_letters_gets_its_own(folder):
    write(folder, {"kid.yaml": KID.replace("kid $N", "kïd → 日本 $N")})
    with process(folder, "kid.yaml", "-i", "n=1", PYTHONIOENCODING="ascii") as running:
        out, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0
    assert "one | k?d ? ?? 1" in out
    assert out.splitlines()[-1].startswith("+ kid succeeded")


def test_a_large_log_and_many_items_are_folded(folder):
    many = """
name: many
tasks:
  each: {for_each: 'lists.range(60)', run: 'test "$I" != 41 || { seq 20000; exit 1; }', env: {I: "${{ string(item) }}"}}
"""
    write(folder, {"many.yaml": many})
    ran = run(folder, "many.yaml")
    assert ran.status == 1
    assert "each started: 60 items" in ran.told
    assert "each[40] started" not in ran.told
    assert "each[41] | 9999" in ran.told
    assert "each[41] | the log is full: what follows was not kept" in ran.told
    table, failure, _ = ran.out.rstrip("\n").split("\n\n")[1:]
    assert [line.split()[1] for line in table.splitlines()] == ["each", "each[41]"]
    assert len(failure.splitlines()) == 11


def test_a_run_that_takes_too_long_is_cancelled(folder):
    write(folder, {"slow.yaml": SLOW})
    ran = run(folder, "slow.yaml", "--timeout", "1s")
    assert ran.status == 3
    assert "cancelling: the time of --timeout is over" in ran.told
    assert "work | told" in ran.told
    assert "finally/clean | cleaning" in ran.told


def lines_of(running, wanted):
    """Read what it prints until this line comes."""
    seen = []
    for line in running.stdout:
        seen.append(line)
        if wanted in line:
            return seen
    raise AssertionError("".join(seen) + running.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_cancels(folder, number):
    write(folder, {"slow.yaml": SLOW})
    with process(folder, "slow.yaml") as running:
        lines_of(running, "work | working")
        running.send_signal(number)
        out, _ = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "work | told" in out
    assert "finally/clean | cleaning" in out
    assert out.splitlines()[-1].startswith("- slow cancelled")


def test_two_signals_stop_at_once_and_leave_nothing_alive(folder):
    write(folder, {"slow.yaml": SLOW.replace("'echo told; exit 5'", "''").replace("echo working", 'echo "working $$"')})
    with process(folder, "slow.yaml") as running:
        shell = int(lines_of(running, "work | working")[-1].split()[-1])
        running.send_signal(signal.SIGINT)
        lines_of(running, "cancelling")
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "stopped at once" in out
    wait_until(lambda: not alive(shell), seconds=PATIENCE, what="the script still runs")


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
