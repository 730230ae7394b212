"""What compose.yaml and the image promise. That its services run and work together is told by the journeys, which they are."""

from __future__ import annotations

import re

from tests.fleet import DISTRIBUTED
from tests.journeys.compose import COMPOSE, OURS, PROCESSES, ROOT


def test_every_process_has_a_service():
    assert {tuple(service["command"]) for service in OURS.values()} == {
        ("db", "upgrade"),
        *((name,) for name in DISTRIBUTED),
    }
    for name in PROCESSES:
        assert OURS[name]["healthcheck"]["test"][:2] == ["CMD", "headrace"], f"{name} has no health check of ours"
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert OURS[name]["stop_grace_period"] == "35s", "more than the 30 s that a process may take to stop"


def test_only_the_api_knows_its_token():
    holders = {name for name, service in OURS.items() if "HEADRACE_API_TOKEN" in service["environment"]}
    assert holders == {"api"}


def test_what_must_be_kept_is_on_volumes():
    mounted = {
        volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", ())
    }
    assert set(COMPOSE["volumes"]) <= mounted
    image = (ROOT / "Dockerfile").read_text()
    for volume in OURS["sync-worker"]["volumes"]:
        folder = volume.partition(":")[2]
        assert f"HEADRACE_STATE_DIR={folder}" in image
        assert f"chown headrace {folder}" in image, "a volume takes its owner from the image"


def test_those_who_handle_files_see_one_folder():
    image = (ROOT / "Dockerfile").read_text()
    holders = {
        name for name, service in OURS.items() if "artifacts:/var/lib/headrace/artifacts" in service.get("volumes", ())
    }
    assert holders == {"api", "task-worker", "scheduler"}
    assert re.search("chown headrace .*/var/lib/headrace/artifacts", image), "a volume takes its owner from the image"


def test_the_image_has_what_the_services_run():
    image = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["headrace"]' in image
    assert "USER headrace" in image
    lines = [line.split() for line in image.splitlines() if line.startswith("COPY ") and "--from" not in line]
    copied = {name for _, *names, _ in lines for name in names}
    assert copied == {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
