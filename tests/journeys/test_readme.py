"""A stranger's walk: the README's commands as they stand there, from an empty HOME, each with exit status 0."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MOST = 10


def walk():
    """The commands between the walk's marks; a here-document belongs to the command above it."""
    text = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- walk:.*?```console\n(.*?)```\n<!-- end of the walk", text, re.DOTALL).group(1)
    commands = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
        else:
            commands[-1] += "\n" + line
    return commands


def test_the_walk_is_short():
    assert 1 < len(walk()) <= MOST


def is_set_up_for(clone):
    """Whether this checkout's environment is what the clone's set-up would make; else that would write over ours."""
    done = ROOT / ".venv" / ".installed-runtime"
    locked = b"".join((clone / name).read_bytes() for name in ("requirements/runtime.txt", "pyproject.toml"))
    return done.exists() and done.read_text().strip() == hashlib.sha256(locked).hexdigest()


@pytest.mark.timeout(300)
def test_the_walk_leads_to_a_first_own_workflow(tmp_path):
    home, clone = tmp_path / "home", tmp_path / "clone"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    fresh = "fresh" in os.environ.get("HEADRACE_TEST_REQUIRE", "")
    if not fresh and is_set_up_for(clone):
        (clone / ".venv").symlink_to(ROOT / ".venv")  # the set-up itself is walked by .ci/run
    port, hooks = free_port(), free_port()
    script = []
    for number, command in enumerate(walk(), 1):
        local = command.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        script += [f"{{ {local}", f"}} && echo did: {number} || exit 1"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HEADRACE_API_PORT": str(port),
        "HEADRACE_API_URL": f"http://127.0.0.1:{port}",
        "HEADRACE_WEBHOOKS_PORT": str(hooks),
    }
    process = subprocess.Popen(
        [shutil.which("bash"), "-c", "\n".join(script)],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        with process.stdout:
            output = process.stdout.read()
        assert process.wait(timeout=10) == 0, output
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    log = home / "headrace.log"
    assert f"did: {len(walk())}" in output, output + (log.read_text() if log.exists() else "")
    assert re.search(r"^state +succeeded", output, re.MULTILINE), output
