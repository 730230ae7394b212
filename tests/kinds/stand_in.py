"""A stand-in for docker: takes its arguments, and runs the command on this machine with the variables and folders given.

Like the real one it has containers that outlive it: they run in sessions of their own, and `rm --force` ends them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

STATE = Path(__file__).parent
FLAGS, VALUED = {"--rm"}, {"--name", "--pull", "--workdir", "--volume", "--env", "--network", "--user", "--entrypoint"}


def options(words):
    given = {}
    while words and words[0].startswith("-"):
        name, sign, value = words.pop(0).partition("=")
        if name in FLAGS:
            given[name] = True
            continue
        assert name in VALUED, f"unknown flag: {name}"
        given.setdefault(name, []).append(value if sign else words.pop(0))
    return given


def run(words):
    given = options(words)
    [name] = given["--name"]
    image, *command = words
    note = {"options": given, "image": image, "command": command, "own": dict(os.environ)}
    (STATE / f"{name}.json").write_text(json.dumps(note))
    if image == "missing":
        sys.stderr.write("Unable to find image 'missing' locally" + "\n")
        return 125
    pid = STATE / f"{name}.pid"
    if pid.exists():
        sys.stderr.write(f"the container name {name} is already in use" + "\n")
        return 125
    volumes = dict(reversed(volume.split(":")) for volume in given["--volume"])

    def here(path):
        for inside, outside in volumes.items():
            if path == inside or path.startswith(inside + "/"):
                return outside + path.removeprefix(inside)
        return path

    variables = {name: here(os.environ[name]) for name in given["--env"]}
    [workdir] = given["--workdir"]
    process = subprocess.Popen(
        [*given.get("--entrypoint", []), *command],
        cwd=here(workdir),
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CONTAINER": "yes", **variables},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    pid.write_text(str(process.pid))
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    pid.unlink(missing_ok=True)
    return code if code >= 0 else 128 - code


def remove(words):
    assert words[0] == "--force"
    pid = STATE / f"{words[1]}.pid"
    if not pid.exists():
        sys.stderr.write("no such container" + "\n")
        return 1
    with suppress(ProcessLookupError):
        os.killpg(int(pid.read_text()), signal.SIGKILL)
    pid.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit({"run": run, "rm": remove}[sys.argv[1]](sys.argv[2:]))
