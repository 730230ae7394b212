"""compose.yaml without Docker: every service's command runs as written, against real local servers, and gets healthy."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.journeys.fleet import HEADRACE, fleet
from tests.journeys.repository import Repository
from tests.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "headrace"}
HELLO = "name: hello\ntasks: {greet: {run: 'echo hello'}}\n"


def environment(service, given):
    """The service's variables with ${NAME}, ${NAME:-default} and ${NAME:?message} filled in as compose does."""

    def fill(match):
        name, default = match["name"], match["default"]
        assert name in given or default is not None, f"compose needs {name}"
        return given.get(name) or default or ""

    pattern = re.compile(r"\$\{(?P<name>\w+)(?:(?::-(?P<default>[^}]*))|(?::\?[^}]*))?\}")
    return {key: pattern.sub(fill, str(value)) for key, value in service["environment"].items()}


def test_every_process_has_a_service():
    commands = {service["command"][0] for service in OURS.values()}
    assert commands == {
        "db", "api", "webhooks", "task-worker", "notification-worker", "relay", "scheduler", "sync-worker",
    }  # fmt: skip
    for name, service in OURS.items():
        assert name == "migrate" or service["healthcheck"]["test"][0] == "CMD", f"{name} has no health check"


def test_the_image_has_what_the_services_run():
    text = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["headrace"]' in text
    assert "USER headrace" in text


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(180)
def test_the_services_run_and_get_healthy(tmp_path, postgres_url, redis_url):
    repository = Repository(tmp_path / "repo")
    repository.commit("Add hello", hello=HELLO)
    ports = {"8080": str(free_port()), "8081": str(free_port())}
    given = {"POSTGRES_PASSWORD": "x", "HEADRACE_API_TOKEN": "a-token-of-the-test", "HEADRACE_REPO": str(repository.at)}

    def local(text):
        """Names of the compose network become local addresses."""
        for port, ours in ports.items():
            text = text.replace(f":{port}", f":{ours}")
        return text

    with fleet(tmp_path, {}) as made:
        variables = {}
        for name, service in OURS.items():
            variables[name] = made.environment | {k: local(v) for k, v in environment(service, given).items()}
            variables[name] |= {
                "HEADRACE_INSTANCES_URL": postgres_url,
                "HEADRACE_DEFINITIONS_URL": postgres_url,
                "HEADRACE_BROKER_URL": redis_url,
                "HEADRACE_API_PORT": ports["8080"],
                "HEADRACE_API_URL": f"http://127.0.0.1:{ports['8080']}",
                "HEADRACE_WEBHOOKS_PORT": ports["8081"],
                "HEADRACE_STATE_DIR": str(tmp_path / name),
            }
        made.environment = variables["migrate"]
        made.run(*OURS["migrate"]["command"])
        for name, service in OURS.items():
            if name != "migrate":
                made.environment = variables[name]
                made.start(name, *service["command"])
        for name, service in OURS.items():
            if name != "migrate":
                test = [local(word) for word in service["healthcheck"]["test"][1:]]
                assert test[0] == "headrace", shlex.join(test)
                wait_until(
                    lambda t=test, n=name: healthy(t, variables[n]), seconds=40, what=f"{name}: {made.logs(name)}"
                )
        made.environment = variables["api"]
        wait_until(lambda: made.run("start", "hello", "--wait", check=False).returncode == 0, seconds=40)


def healthy(test, variables):
    done = subprocess.run(
        [*HEADRACE, *test[1:]],
        env={**variables, "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
        timeout=30,
    )
    return done.returncode == 0
