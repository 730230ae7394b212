"""Files from one task to another: what the core asks for, and what a worker does with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from threading import Event

import pytest

from engine.adapters.kinds.script import Script
from engine.app import insist
from engine.app.artifacts import MAX_FILES, Collector, Limits
from engine.errors import Unavailable
from tests.app.worker import Worker

PLAIN = """
name: hand-over
tasks:
  build:
    run: |
      mkdir -p dist logs
      printf 'echo built' > dist/app && chmod +x dist/app
      echo one > logs/1.txt; echo two > logs/2.txt
    artifacts: {out: {app: dist/app, logs: "logs/*.txt"}}
  ship:
    needs: build
    run: |
      test "$(./in/app)" = built
      cat all/logs/1.txt logs/2.txt
      echo "files=$(find . -type f | wc -l)" >> "$HEADRACE_OUTPUT"
    artifacts: {in: {in: build.app, all: build, .: build.logs}}
    outputs: {files: {type: integer}}
outputs: {files: "${{ tasks.ship.outputs.files }}"}
"""


@pytest.fixture
def worker(world, tmp_path):
    return Worker(world, tmp_path / "artifacts")


def rows(worker, instance="i1"):
    return sorted(
        (row.path, row.attempt, row.name, row.file) for row in worker.world.instances.artifacts.list(instance)
    )


def test_files_go_from_task_to_task(worker):
    instance = worker.run(PLAIN)
    assert worker.world.state(instance) == "succeeded"
    assert worker.world.get(instance).outputs == {"files": 6}
    assert rows(worker, instance) == [
        ("build", 1, "app", "dist/app"),
        ("build", 1, "logs", "logs/1.txt"),
        ("build", 1, "logs", "logs/2.txt"),
    ]
    [app] = [row for row in worker.world.instances.artifacts.list(instance) if row.name == "app"]
    assert (app.size, app.root, app.executable) == (10, "dist", True)
    assert app.digest == hashlib.sha256(b"echo built").hexdigest()
    assert [log.text for log in worker.world.instances.logs.read(instance, "ship")] == ["one", "two"]


def test_the_core_names_the_attempt_that_counted(worker):
    worker.run(
        """
name: again
tasks:
  build:
    run: |
      echo "$HEADRACE_ATTEMPT" > n
      test "$HEADRACE_ATTEMPT" = 1 || exit 0
      exit 3
    retry: {max_attempts: 3, delay: 1ms}
    artifacts: {out: [n]}
  use: {needs: build, run: cat n, artifacts: {in: [build.n]}}
"""
    )
    worker.world.wait_for_timers()
    worker.work()
    last = worker.asked[-1]
    assert last["artifacts"] == {"in": [{"path": "build", "attempt": 2, "name": "n", "to": "."}], "out": {}}
    assert [row[1] for row in rows(worker, last["instance"])] == [2]  # the first failed, so it left nothing
    assert [log.text for log in worker.world.instances.logs.read(last["instance"], "use")] == ["2"]


def test_all_items_of_a_for_each_come_together(worker):
    instance = worker.run(
        """
name: items
tasks:
  build:
    for_each: '["eu", "compensate"]'
    as: region
    key: region
    run: echo "$REGION" > report.txt
    env: {REGION: "${{ region }}"}
    artifacts: {out: {report: report.txt}}
  gather:
    needs: build
    run: cat in/eu/report.txt in/compensate/report.txt
    artifacts: {in: {in: build.report}}
"""
    )
    assert worker.world.state(instance) == "succeeded"
    assert worker.asked[-1]["artifacts"]["in"] == [{"path": "build", "attempt": 0, "name": "report", "to": "in"}]
    assert [log.text for log in worker.world.instances.logs.read(instance, "gather")] == ["eu", "compensate"]


def test_of_a_repeat_the_last_iteration_counts(worker):
    instance = worker.run(
        """
name: rounds
tasks:
  poll:
    repeat: {while: "iteration < 3", max_iterations: 5}
    run: echo "$N" > n
    env: {N: "${{ iteration }}"}
    artifacts: {out: [n]}
  use: {needs: poll, run: cat n, artifacts: {in: [poll.n]}}
"""
    )
    worker.world.wait_for_timers()
    worker.work()
    assert worker.world.state(instance) == "succeeded"
    last = max(row.path for row in worker.world.instances.artifacts.list(instance))
    assert [log.text for log in worker.world.instances.logs.read(instance, "use")] == [last.partition("#")[2]]


def test_a_task_inside_takes_files_from_one_outside(worker):
    instance = worker.run(
        """
name: outside
tasks:
  build: {run: echo it > it, artifacts: {out: [it]}}
  group:
    needs: build
    tasks:
      use: {run: cat it, artifacts: {in: [build]}}
finally:
  keep: {run: cat it, artifacts: {in: [build.it]}}
"""
    )
    assert worker.world.state(instance) == "succeeded"
    for path in ("group/use", "finally/keep"):
        assert [log.text for log in worker.world.instances.logs.read(instance, path)] == ["it"]


def test_what_did_not_succeed_gives_nothing(worker):
    instance = worker.run(
        """
name: none
tasks:
  build: {run: touch it; exit 1, artifacts: {out: [it]}, continue_on_error: true}
  use: {needs: build, run: test ! -e it, artifacts: {in: [build.it]}}
"""
    )
    assert worker.world.state(instance) == "succeeded"
    assert rows(worker, instance) == []


OUT = {"in": [], "out": {"it": "it"}}


def error(event, kind="artifact"):
    assert event["type"] == "TaskFailed", event
    assert event["error"]["kind"] == kind, event
    return event["error"]["message"]


def test_what_is_not_there_fails_the_attempt(worker):
    assert "there are no files 'it'" in error(worker.perform("true", artifacts=OUT))
    wanted = {"path": "before", "attempt": 2, "name": "it", "to": "."}
    said = error(worker.perform("echo never", artifacts={"in": [wanted], "out": {}}))
    assert said == "attempt 2 of 'before' left no files called 'it'"
    assert worker.world.instances.logs.read("i1") == []


def test_files_of_an_empty_for_each_are_none(worker):
    wanted = {"path": "items", "attempt": 0, "name": "it", "to": "in"}
    assert worker.perform("test ! -e in", artifacts={"in": [wanted], "out": {}})["type"] == "TaskSucceeded"


def test_outputs_that_do_not_fit_leave_no_files(worker):
    declared = {"n": {"type": "integer"}}
    assert worker.perform("touch it", artifacts=OUT, outputs=declared)["type"] == "TaskFailed"
    assert rows(worker) == []


def test_limits_hold(world, tmp_path):
    worker = Worker(world, tmp_path / "artifacts", Limits(file=10, instance=25))
    assert "larger than 10 bytes" in error(worker.perform("printf 12345678901 > it", artifacts=OUT))
    write = "for name in a b c; do printf ${name}23456789 > it.$name; done"
    pattern = {"in": [], "out": {"it": "it.*"}}
    assert "may have 25 bytes" in error(worker.perform(write, artifacts=pattern))
    assert worker.perform("printf 1234567890 > it", artifacts=OUT)["type"] == "TaskSucceeded"
    assert worker.perform("printf 1234567890 > it", artifacts=OUT, path="b")["type"] == "TaskSucceeded"
    assert "may have 25 bytes" in error(worker.perform("printf 123456 > it", artifacts=OUT, path="c"))
    assert worker.perform("printf 12345 > it", artifacts=OUT, path="c")["type"] == "TaskSucceeded"
    many = f"mkdir d; cd d; touch $(seq 1 {MAX_FILES + 1})"
    assert f"at most {MAX_FILES}" in error(worker.perform(many, artifacts={"in": [], "out": {"it": "d"}}, path="d"))


def test_an_attempt_that_is_done_again_does_not_count_twice(world, tmp_path):
    worker = Worker(world, tmp_path / "artifacts", Limits(file=10, instance=15))
    for _ in range(2):
        assert worker.perform("printf 1234567890 > it", artifacts=OUT)["type"] == "TaskSucceeded"
    assert world.instances.artifacts.size("i1") == 10


def test_two_files_for_one_place_are_refused(worker):
    for path in ("a", "b"):
        worker.perform(f"echo {path} > it", artifacts=OUT, path=path)
    wanted = [{"path": path, "attempt": 1, "name": "it", "to": "."} for path in ("a", "b")]
    said = error(worker.perform("true", artifacts={"in": wanted, "out": {}}))
    assert said == "two different files would be put at 'it'"
    assert worker.perform("cat it", artifacts={"in": wanted[:1] * 2, "out": {}})["type"] == "TaskSucceeded"


def test_a_kind_without_a_folder_leaves_no_files(worker):
    said = error(worker.perform("", kind="python", params={"call": "builtins:dict"}, artifacts=OUT), "config")
    assert "has no folder" in said


def test_a_store_that_is_out_of_reach_fails_the_attempt(world, tmp_path, monkeypatch):
    monkeypatch.setattr(insist, "PATIENCE", 0.15)
    (tmp_path / "file").touch()
    worker = Worker(world, tmp_path / "file" / "below")
    assert "unavailable" in error(worker.perform("touch it", artifacts=OUT))
    assert rows(worker) == []


def test_a_store_that_is_back_in_time_fails_nothing(worker, monkeypatch):
    class Blinks:
        """Out of reach every other time."""

        def __init__(self, real):
            self.real, self.calls = real, 0

        def __getattr__(self, name):
            def act(*arguments, **keys):
                self.calls += 1
                if self.calls % 2:
                    raise Unavailable("the store")
                return getattr(self.real, name)(*arguments, **keys)

            return act

    monkeypatch.setattr(insist, "FIRST", 0.001)
    real = worker.performer._artifacts
    worker.performer._artifacts = replace(real, files=Blinks(real.files), rows=Blinks(real.rows))
    assert worker.perform("touch it", artifacts=OUT)["type"] == "TaskSucceeded"
    wanted = {"in": [{"path": "build", "attempt": 1, "name": "it", "to": "."}], "out": {}}
    worker.performer._large = replace(worker.performer._large, store=Blinks(worker.world.instances.values))
    assert worker.perform('printf "it=%040000d" 0 > $HEADRACE_OUTPUT', path="use")["type"] == "TaskSucceeded"
    worker.performer._artifacts = real
    assert worker.perform("test -e it", artifacts=wanted, path="use")["type"] == "TaskSucceeded"


def test_time_spent_on_files_is_time_of_the_attempt(worker):
    worker.perform("touch it", artifacts=OUT)
    wanted = {"in": [{"path": "build", "attempt": 1, "name": "it", "to": "."}], "out": {}}
    assert error(worker.perform("true", artifacts=wanted, timeout=0), "timeout")


def test_a_stop_ends_the_keeping_of_files(worker):
    stop = Event()

    class Stops:
        def run(self, call):
            stop.set()
            return Script().run(call)

    worker.performer._kinds["script"] = Stops()
    assert worker.perform("touch it", artifacts=OUT, stop=stop)["type"] == "TaskCancelled"
    assert rows(worker) == []


def test_files_in_a_folder_of_ones_own_replace_what_is_there(worker, tmp_path):
    worker.perform("echo new > it", artifacts=OUT)
    (tmp_path / "outside").write_text("kept")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "it").symlink_to(tmp_path / "outside")
    (tmp_path / "own" / "away").symlink_to(tmp_path)
    wanted = [{"path": "build", "attempt": 1, "name": "it", "to": "."}]
    params = {"script": "cat it", "working_directory": str(tmp_path / "own")}
    assert worker.perform("", params=params, artifacts={"in": wanted, "out": {}})["type"] == "TaskSucceeded"
    assert (tmp_path / "outside").read_text() == "kept"
    wanted[0]["to"] = "away"
    assert "leads out" in error(worker.perform("", params=params, artifacts={"in": wanted, "out": {}}))


def test_contents_nobody_has_are_thrown_away(worker):
    worker.perform("echo 1 > it", artifacts=OUT)
    [old] = worker.world.instances.artifacts.list("i1")
    worker.perform("echo 2 > it", artifacts=OUT)
    [new] = worker.world.instances.artifacts.list("i1")
    worker.world.move(61 * 60 * 1000)
    collector = Collector(worker.world.instances.artifacts, worker.files)
    assert collector.run_once() == 2
    assert collector.run_once() == 0
    with worker.files.open(new.digest) as content:
        assert content.read() == b"2\n"
    with pytest.raises(Exception, match=old.digest), worker.files.open(old.digest):
        pass


def test_every_attempt_gets_the_same_files(worker):
    """What a task gets is decided with its join: a source that settles later changes nothing."""
    world = worker.world
    world.load(
        """
name: late
tasks:
  slow: {run: touch it, artifacts: {out: [it]}}
  fast: {run: "true"}
  use:
    needs: [slow, fast]
    join: any
    run: "true"
    retry: {max_attempts: 2, delay: 1ms}
    artifacts: {in: [slow.it]}
"""
    )
    world.starter.start("late", {}, by="ana")
    slow, fast = world.queued()
    world.answer(fast)
    [use] = world.queued()
    assert use["artifacts"]["in"] == []
    world.answer(slow)
    world.answer(use, error="exit")
    world.wait_for_timers()
    [again] = world.queued()
    assert (again["attempt"], again["artifacts"]) == (2, use["artifacts"])
