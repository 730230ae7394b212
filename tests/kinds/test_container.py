from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

import pytest

from engine.adapters.kinds.container import Container
from engine.app.kinds import Failed, Given, NoHandover, Stopped
from tests.kinds import stand_in
from tests.kinds.conftest import Lines, call
from tests.kinds.test_script import gone, wait_until


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A command that takes docker's arguments, called `docker` and first on PATH; gives the folder of its notes."""
    folder = tmp_path / "docker"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f"#!{sys.executable}\n{Path(stand_in.__file__).read_text()}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def run(command=None, *, image="alpine:3", **changes):
    names = ("args", "entrypoint", "working_directory", "pull", "network", "user")
    params = {"image": image, **{name: changes.pop(name) for name in names if name in changes}}
    if command is not None:
        params["command"] = command
    return Container().run(call(params, **changes))


def failure(*arguments, **changes):
    with pytest.raises(Failed) as caught:
        run(*arguments, **changes)
    return caught.value


def note(docker):
    [found] = docker.glob("*.json")
    return json.loads(found.read_text())


def test_outputs_log_and_variables(docker):
    log = Lines()
    command = 'echo "said $WORD"; echo "n=$N" >> $HEADRACE_OUTPUT; echo "who=$HEADRACE_PATH/$HEADRACE_ATTEMPT" >> $HEADRACE_OUTPUT'
    assert run(command, env={"WORD": "two\nlines", "N": 7}, log=log) == {"n": "7", "who": "deploy/1"}
    assert log.lines == [("stdout", "said two"), ("stdout", "lines")]


def test_declared_outputs_are_read_as_those_of_scripts(docker):
    assert run('echo "n=7" > $HEADRACE_OUTPUT', outputs={"n": {"type": "integer"}}) == {"n": 7}
    assert failure("echo nonsense > $HEADRACE_OUTPUT").kind == "outputs"


def test_values_are_never_arguments(docker):
    run("true", env={"TOKEN": "a-secret-value"})
    found = note(docker)
    assert "a-secret-value" not in json.dumps([found["options"], found["command"]])
    assert found["options"]["--env"] == sorted(found["options"]["--env"])
    assert "TOKEN" in found["options"]["--env"]


def test_nothing_of_the_worker_gets_into_the_container(docker, monkeypatch):
    monkeypatch.setenv("HEADRACE_SECRET_OTHER", "x")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    run("env | sort > all; ! grep -e OTHER -e DOCKER_HOST all; grep CONTAINER=yes all")
    own = note(docker)["own"]
    assert "HEADRACE_SECRET_OTHER" not in own
    assert own["DOCKER_HOST"] == "tcp://127.0.0.1:1"


@pytest.mark.parametrize("name", ["PATH", "HOME", "DOCKER_HOST", "LD_PRELOAD", "CONTAINERS_CONF"])
def test_variables_that_the_command_itself_reads_are_refused(docker, name):
    said = failure("true", env={name: "x"})
    assert (said.kind, name in said.message) == ("config", True)
    assert not list(docker.glob("*.json"))


@pytest.mark.parametrize(
    ("given", "command", "entrypoint"),
    [
        ({"command": ["echo", "a b", "$x"]}, ["echo", "a b", "$x"], None),
        ({"command": ["echo"], "args": ["1", "2"]}, ["echo", "1", "2"], None),
        ({"command": "echo $1", "args": ["-x"]}, ["-eu", "-c", "echo $1", "sh", "-x"], ["sh"]),
        ({"args": ["one"], "entrypoint": "echo"}, ["one"], ["echo"]),
        ({"command": "true", "entrypoint": "env"}, ["sh", "-eu", "-c", "true", "sh"], ["env"]),
    ],
)
def test_forms_of_the_command(docker, given, command, entrypoint):
    run(**given)
    found = note(docker)
    assert (found["command"], found["options"].get("--entrypoint")) == (command, entrypoint)
    assert found["image"] == "alpine:3"


def test_a_text_ends_with_its_first_failure(docker):
    assert failure("false; true").kind == "exit"
    assert failure("echo $unset_variable").kind == "exit"


def test_options_are_words_of_their_own(docker):
    run("true", pull="never", network="--privileged", user="1000:1000")
    options = note(docker)["options"]
    assert (options["--pull"], options["--network"], options["--user"]) == (["never"], ["--privileged"], ["1000:1000"])
    assert options["--workdir"] == ["/work"]
    assert failure("true", image="--privileged").kind == "config"


@pytest.mark.parametrize(
    ("given", "there"), [({}, "/work"), ({"working_directory": "bin"}, "/work/bin"), ({"working_directory": "/"}, "/")]
)
def test_where_it_runs(docker, given, there):
    run("true", files=Files(), **given)
    assert note(docker)["options"]["--workdir"] == [there]


class Files(NoHandover):
    """One file comes, and what is asked for goes."""

    def __init__(self, **leaves):
        self.leaves = leaves
        self.left = {}

    def given(self):
        @contextmanager
        def opened():
            yield BytesIO(b"#!/bin/sh\necho hello")

        return [Given(file="bin/tool", executable=True, open=opened)]

    def leave(self, files):
        for file in files:
            with file.open() as content:
                self.left[file.name, file.file] = content.read()


def test_files_come_and_go(docker):
    files = Files(said="out/*.txt")
    run("mkdir out; ./bin/tool > out/said.txt", files=files)
    assert files.left == {("said", "out/said.txt"): b"hello\n"}
    assert failure("true", files=files).kind == "artifact"


def test_no_link_made_in_the_container_leads_to_the_workers_files(docker):
    files = Files(said="stolen")
    assert failure("ln -s /etc/passwd stolen", files=files).kind == "artifact"
    assert files.left == {}


def test_its_exit_code_is_told(docker):
    found = failure("echo why >&2; exit 3")
    assert (found.kind, found.message) == ("exit", "the container ended with exit code 3: why")
    assert found.details == {"code": 3, "last_lines": ["why"]}
    missing = failure("true", image="missing")
    assert (missing.kind, "Unable to find image" in missing.message) == ("exit", True)


def sleeping(docker, tmp_path):
    """A command that ignores TERM, and where it writes the number of its process."""
    pid = tmp_path / "pid"
    return f"trap '' TERM; echo $$ > {pid}; while true; do sleep 0.05; done", pid


def test_a_container_that_does_not_stop_is_removed(docker, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.adapters.kinds.process.GRACE", 0.2)
    command, pid = sleeping(docker, tmp_path)
    stop = Event()
    ended = []

    def attempt():
        with pytest.raises(Stopped):
            run(command, stop=stop)
        ended.append(True)

    thread = Thread(target=attempt)
    thread.start()
    wait_until(lambda: pid.exists() and pid.read_text().strip())
    stop.set()
    thread.join(20)
    assert ended
    wait_until(lambda: gone(pid.read_text().strip()))
    assert not list(docker.glob("*.pid"))


def test_a_container_that_takes_too_long_is_removed(docker, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.adapters.kinds.process.GRACE", 0.2)
    command, pid = sleeping(docker, tmp_path)
    found = failure(command, timeout=1_500)
    assert (found.kind, found.message) == ("timeout", "the container did not end within 1500 ms")
    assert pid.exists()
    wait_until(lambda: gone(pid.read_text().strip()))


def test_a_container_that_was_told_to_stop_may_end_by_itself(docker, tmp_path):
    stop, pid, said = Event(), tmp_path / "pid", tmp_path / "said"
    command = f"trap 'echo bye > {said}; exit 0' TERM; echo $$ > {pid}; while true; do sleep 0.05; done"

    def later():
        wait_until(lambda: pid.exists() and pid.read_text().strip())
        stop.set()

    thread = Thread(target=later)
    thread.start()
    with pytest.raises(Stopped):
        run(command, stop=stop)
    thread.join()
    assert said.read_text() == "bye\n"


def test_what_a_killed_worker_left_is_removed_before_the_attempt_is_done_again(docker):
    run("true")
    [name] = note(docker)["options"]["--name"]
    assert name.startswith("headrace-i1-")
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    (docker / f"{name}.pid").write_text(str(left.pid))
    run("true")
    assert left.wait(10) == -9
    run("true", path="other")
    assert len(list(docker.glob("*.json"))) == 2


def test_a_worker_without_the_command_says_so(docker, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = failure("true")
    assert (said.kind, said.message) == ("config", "this worker has neither docker nor podman to run containers with")
    with pytest.raises(Failed, match="no 'nerdctl'"):
        Container("nerdctl").run(call({"image": "alpine"}))
    podman = tmp_path / "podman"
    shutil.copy(docker / "docker", podman)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    run("true")
    assert list(tmp_path.glob("headrace-*.json"))


def test_a_command_can_be_named(docker, tmp_path):
    named = tmp_path / "my-docker"
    shutil.copy(docker / "docker", named)
    Container(str(named)).run(call({"image": "alpine", "command": "true"}))
    assert list(tmp_path.glob("headrace-*.json"))
    assert not list(docker.glob("*.json"))
