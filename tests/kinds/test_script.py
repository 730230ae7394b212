from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from engine.adapters.kinds.script import Script
from engine.app.kinds import Failed, Stopped
from tests.kinds.conftest import Lines, call


def run(script, *, shell=None, directory=None, **changes):
    params = {"script": script} | ({"shell": shell} if shell else {})
    return Script().run(call(params | ({"working_directory": directory} if directory else {}), **changes))


def failure(script, **changes):
    with pytest.raises(Failed) as caught:
        run(script, **changes)
    return caught.value


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        Event().wait(0.01)


def test_outputs_in_all_three_forms():
    assert run('echo "image=r/b:1" >> "$HEADRACE_OUTPUT"; echo "empty=" >> "$HEADRACE_OUTPUT"') == {
        "image": "r/b:1",
        "empty": "",
    }
    assert run("printf 'notes<<EOF\\na=b\\n\\n  c\\nEOF\\nx=1\\n' > $HEADRACE_OUTPUT") == {
        "notes": "a=b\n\n  c",
        "x": "1",
    }
    assert run("echo '{\"n\": [1, null]}' > $HEADRACE_OUTPUT") == {"n": [1, None]}
    assert run("true") == {}


def test_declared_types_are_read_from_text():
    declared = {"n": {"type": "integer"}, "ok": {"type": "boolean"}, "l": {"type": "array"}, "s": {"type": "string"}}
    script = "printf 'n=7\\nok=true\\nl=[1]\\ns=7\\nfree=7\\n' > $HEADRACE_OUTPUT"
    assert run(script, outputs=declared) == {"n": 7, "ok": True, "l": [1], "s": "7", "free": "7"}
    assert failure("echo n=seven > $HEADRACE_OUTPUT", outputs=declared).kind == "outputs"


@pytest.mark.parametrize(
    "script",
    [
        "echo nonsense > $HEADRACE_OUTPUT",
        "echo 'Upper=1' > $HEADRACE_OUTPUT",
        "echo 'a<<' > $HEADRACE_OUTPUT",
        "printf 'a<<END\\nb\\n' > $HEADRACE_OUTPUT",
        "echo '{broken' > $HEADRACE_OUTPUT",
        "printf '\\377' > $HEADRACE_OUTPUT",
        "rm $HEADRACE_OUTPUT",
        "ln -sf /etc/passwd $HEADRACE_OUTPUT",
        "rm $HEADRACE_OUTPUT; mkfifo $HEADRACE_OUTPUT",
        "rm $HEADRACE_OUTPUT; mkdir $HEADRACE_OUTPUT",
    ],
)
def test_an_output_file_that_cannot_be_read_fails_the_task(script):
    assert failure(script).kind == "outputs"


def test_an_endless_output_file_is_refused():
    assert failure("head -c 3000000 /dev/zero > $HEADRACE_OUTPUT").kind == "output_too_large"


def test_the_exit_code_and_the_last_lines_are_told():
    error = failure("echo one; echo two >&2; exit 3")
    assert (error.kind, error.details["code"]) == ("exit", 3)
    assert sorted(error.details["last_lines"]) == ["one", "two"]
    assert failure("kill -9 $$").details["code"] == -9


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("script", ["false; true", "echo $UNSET_VARIABLE; true"])
def test_the_first_failure_ends_a_script(shell, script):
    assert failure(script, shell=shell).kind == "exit"


def test_a_failure_inside_a_pipe_counts():
    assert failure("false | true").kind == "exit"


def test_the_log_has_every_line_in_order():
    log = Lines()
    run("for i in $(seq 500); do echo line $i; done; printf 'no end' >&2; printf '\\377\\r\\n'", log=log)
    out = [text for stream, text in log.lines if stream == "stdout"]
    assert out == [*(f"line {i}" for i in range(1, 501)), "\ufffd"]
    assert ("stderr", "no end") in log.lines


def test_a_line_without_end_takes_no_memory():
    log = Lines()
    run("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo after", log=log)
    assert [len(text) for _, text in log.lines] == [64 * 1024, len("after")]


def test_the_environment_is_its_own(monkeypatch):
    monkeypatch.setenv("HEADRACE_SECRET_TOKEN", "canary")
    monkeypatch.setenv("HEADRACE_SMTP_URL", "smtp://u:canary@h")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    log = Lines()
    run("env -0 | tr '\\0\\n' '\\n '", log=log, env={"REGION": "eu west\n$(id)", "N": 1, "B": True}, attempt=2)
    seen = dict(text.split("=", 1) for _, text in log.lines)
    assert "canary" not in str(seen)
    assert (seen["REGION"], seen["N"], seen["B"]) == ("eu west $(id)", "1", "true")
    ours = {name: value for name, value in seen.items() if name.startswith("HEADRACE_") and name != "HEADRACE_OUTPUT"}
    assert ours == {
        "HEADRACE_INSTANCE": "i1",
        "HEADRACE_PATH": "deploy",
        "HEADRACE_ATTEMPT": "2",
        "HEADRACE_IDEMPOTENCY_KEY": "i1/deploy",
        "HEADRACE_WORKFLOW": "release",
    }
    assert set(seen) - set(ours) <= {
        "PATH", "HOME", "LANG", "LC_ALL", "TZ", "HEADRACE_OUTPUT", "REGION", "N", "B", "PWD", "SHLVL", "_", "OLDPWD",
    }  # fmt: skip


@pytest.mark.parametrize(
    "env", [{"A-B": "1"}, {"A": None}, {"A": []}, {"A=B": "1"}, {"A": "\0"}, {"A": "x" * 3_000_000}]
)
def test_an_environment_that_cannot_be_is_refused(env):
    assert failure("true", env=env).kind == "config"


def test_each_run_has_a_fresh_folder_that_goes_away():
    log = Lines()
    run("pwd; ls -A | wc -l; touch here", log=log)
    folder, count = (text for _, text in log.lines)
    assert int(count) == 0
    assert not Path(folder).exists()


def test_a_working_directory_is_used_and_kept(tmp_path):
    run("touch here", directory=str(tmp_path))
    assert (tmp_path / "here").exists()
    assert failure("true", directory=str(tmp_path / "missing")).kind == "config"


@pytest.mark.parametrize("params", [{}, {"script": 1}, {"script": "true", "shell": "fish"}, {"script": "true", "x": 1}])
def test_what_makes_no_sense_is_refused(params):
    with pytest.raises(Failed) as caught:
        Script().run(call(params))
    assert caught.value.kind == "config"


FAMILY = """
echo $$ >> {pids}
(trap '' TERM; echo $BASHPID >> {pids}; sleep 300 & echo $! >> {pids}; wait) &
sleep 300 & echo $! >> {pids}
touch {ready}
{end}
"""


def family(tmp_path, end):
    return FAMILY.format(pids=tmp_path / "pids", ready=tmp_path / "ready", end=end)


def children(tmp_path):
    return [int(line) for line in (tmp_path / "pids").read_text().split()]


def test_a_timeout_kills_the_whole_family(tmp_path):
    error = failure(family(tmp_path, "wait"), timeout=1_000)
    assert error.kind == "timeout"
    assert children(tmp_path)
    wait_until(lambda: all(gone(pid) for pid in children(tmp_path)))


def test_a_stop_kills_the_whole_family(tmp_path):
    stop = Event()

    def stop_when_all_are_there():
        wait_until(lambda: (tmp_path / "ready").exists() and len(children(tmp_path)) == 4)
        stop.set()

    watcher = Thread(target=stop_when_all_are_there)
    watcher.start()
    with pytest.raises(Stopped):
        run(family(tmp_path, "wait"), stop=stop, timeout=30_000)
    watcher.join()
    wait_until(lambda: all(gone(pid) for pid in children(tmp_path)))


def test_children_left_in_the_background_die_with_a_script_that_ends_well(tmp_path):
    run(family(tmp_path, f"until [ $(wc -l < {tmp_path}/pids) -ge 4 ]; do sleep 0.01; done"))
    wait_until(lambda: all(gone(pid) for pid in children(tmp_path)))


def test_a_script_may_end_itself_on_term_and_still_is_a_timeout():
    log = Lines()
    error = failure("trap 'echo cleaning; exit 0' TERM; while :; do sleep 0.05; done", timeout=300, log=log)
    assert error.kind == "timeout"
    assert ("stdout", "cleaning") in log.lines


def test_one_that_ignores_term_is_killed(monkeypatch):
    monkeypatch.setattr("engine.adapters.kinds.process.GRACE", 0.2)
    assert failure("trap '' TERM; while :; do sleep 0.05; done", timeout=200).kind == "timeout"


def test_a_closed_output_does_not_end_the_watch():
    assert failure("exec >&- 2>&-; sleep 0.2; exit 4").details["code"] == 4


def test_somebody_who_left_the_session_cannot_hold_the_task(tmp_path):
    started = time.monotonic()
    try:
        run(f"setsid sleep 300 & echo $! > {tmp_path}/pid")
        assert time.monotonic() - started < 10
    finally:
        escaped = int((tmp_path / "pid").read_text())
        if not gone(escaped):
            os.kill(escaped, 9)


def test_text_of_a_script_is_never_read_twice(tmp_path):
    run(
        'echo "$TITLE" > /dev/null; eval true',
        env={"TITLE": f'"; touch {tmp_path}/canary; echo $(touch {tmp_path}/canary)'},
    )
    assert not (tmp_path / "canary").exists()
