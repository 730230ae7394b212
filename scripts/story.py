"""The main job, told on real parts: a commit becomes a run, a person approves it through a link, and it finishes.

Runs `headrace dev` on a scratch git repository, exactly as a person would, and talks to it over HTTP only.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parent.parent
HEADRACE = REPOSITORY / ".venv" / "bin" / "headrace"
SECRET = secrets.token_hex(16)
DEADLINE = 60.0
"""Seconds that any step may take."""


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def call(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def wait_for(what: str, look: Callable[[], Any], process: subprocess.Popen[bytes] | None = None) -> Any:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise SystemExit(f"headrace dev ended by itself with status {process.returncode}")
        try:
            found = look()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"gave up after {DEADLINE:.0f} s waiting for {what}")


def make_repository(at: Path) -> str:
    """A git repository with the example `release` workflow; returns the commit."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=Rosa Author", "-c", "user.email=rosa@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=at, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (at / "workflows").mkdir(parents=True)
    for name in ("project.yaml", "release.yaml"):
        shutil.copy(REPOSITORY / "workflows" / name, at / "workflows" / name)
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message=Add the release workflow")
    print(git("log", "--stat", "--oneline"))
    return git("rev-parse", "HEAD")


def push_body(commit: str) -> bytes:
    """What GitHub sends for a push (the parts that the example reads)."""
    return json.dumps(
        {
            "ref": "refs/heads/main",
            "after": commit,
            "repository": {"name": "billing", "full_name": "acme/billing"},
            "pusher": {"name": "rosa"},
            "sender": {"login": "rosa"},
            "head_commit": {"id": commit, "message": "Add the release workflow"},
        }
    ).encode()


def deliver(hooks: str, body: bytes) -> str:
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": signature,
    }
    status, answer = call("POST", f"{hooks}/hooks/github", body, headers)
    print(status, answer.decode())
    if status != 202:
        raise SystemExit("the webhook was not accepted")
    return str(json.loads(answer)["instances"][0]["instance"])


def approve(link: str) -> None:
    """What a browser does: open the page, press Approve."""
    status, page = call("GET", link)
    if status != 200:
        raise SystemExit(f"GET {link} answered {status}")
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.decode()))
    form = {name: html.unescape(value) for name, value in fields.items()} | {
        "decision": "approved",
        "comment": "Looks good.",
        "form.change_ticket": "CHG-1042",
    }
    status, answer = call(
        "POST",
        link,
        urllib.parse.urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    print(f"POST {link} answered {status}")
    if status not in (200, 303):
        raise SystemExit(answer.decode())


def find_link(log: Path) -> str | None:
    found = re.findall(r"https?://\S+/approvals/[A-Za-z0-9_-]{20,}", log.read_text())
    return found[0] if found else None


def tell(scratch: Path, *, yes: bool) -> int:
    api, hooks = free_port(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "HEADRACE_API_PORT": str(api),
        "HEADRACE_WEBHOOKS_PORT": str(hooks),
        "HEADRACE_API_URL": f"http://127.0.0.1:{api}",
        "HEADRACE_SECRET_GITHUB_WEBHOOK_SECRET": SECRET,
    }
    root = f"http://127.0.0.1:{api}/api/v1"

    def get(path: str) -> Any:
        status, body = call("GET", root + path)
        return json.loads(body) if status == 200 else None

    say("1. Commit a workflow to a git repository")
    commit = make_repository(scratch / "repo")

    say("2. headrace dev: the sync worker validates it and loads it")
    log = scratch / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [HEADRACE, "dev", str(scratch / "repo")], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for("the workflow", lambda: get("/workflows/release"), process)
        subprocess.run([HEADRACE, "sync"], env=environment, check=True)

        say("3. A signed GitHub push webhook starts an instance")
        instance = deliver(f"http://127.0.0.1:{hooks}", push_body(commit))

        say("4. Task workers run it in DAG order, up to the human")
        wait_for("the approval", lambda: get(f"/instances/{instance}")["state"] == "waiting", process)
        subprocess.run([HEADRACE, "get", instance], env=environment, check=True)

        say("5. A person opens the link and presses Approve")
        link = wait_for("the link", lambda: find_link(log), process)
        if yes:
            approve(link)
        else:
            print(f"Open   {link}\nPages  http://127.0.0.1:{api}/instances/{instance}\n(waiting for you; Ctrl-C ends)")
        state = wait_for_end(get, instance, process, patient=not yes)

        say("6. It finishes, and pages, API and command line show what happened")
        subprocess.run([HEADRACE, "get", instance], env=environment, check=True)
        if not yes:
            print(f"\nStill serving: http://127.0.0.1:{api}/instances/{instance} (Ctrl-C ends)", flush=True)
            process.wait()
    except SystemExit:
        print(log.read_text()[-4000:], file=sys.stderr)
        raise
    except KeyboardInterrupt:
        return 0
    else:
        return 0 if state == "succeeded" else 1
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_end(get: Callable[[str], Any], instance: str, process: subprocess.Popen[bytes], *, patient: bool) -> str:
    final = {"succeeded", "failed", "cancelled"}
    while True:
        if not patient:
            return str(
                wait_for("the end", lambda: (s := get(f"/instances/{instance}")["state"]) in final and s, process)
            )
        found = get(f"/instances/{instance}?wait=30")
        if found and found["state"] in final:
            return str(found["state"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yes", action="store_true", help="approve through the link by itself, and end")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-demo-") as scratch:
        return tell(Path(scratch), yes=arguments.yes)


if __name__ == "__main__":
    raise SystemExit(main())
