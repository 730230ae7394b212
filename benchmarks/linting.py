"""How long 1,000 workflow files of 20 tasks take to lint, beside reading the same files with PyYAML's C loader. Needs no stack.

Where `scripts/peers actionlint` made its environment, `headrace lint` and actionlint run in turn too, a process each, on as
many workflows: ours, and GitHub's with 20 jobs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from engine.cli.garbage import unsearched
from engine.lint.linter import lint

FILES = 1_000
PROJECT = """\
people: {ana: {email: ana@example.com}, bob: {email: bob@example.com}}
groups: {managers: [ana, bob]}
channels: {releases: {kind: log}}
webhooks: {github: {provider: github, secret: GITHUB_SECRET}}
secrets: [GITHUB_SECRET, DEPLOY_TOKEN]
vars: {cluster: main}
"""
HEAD = """\
name: release-{number}
description: Build, test and roll out service {number}.
labels: {{team: payments}}
inputs:
  service: {{type: string, pattern: "^[a-z0-9-]+$", default: service-{number}}}
  sha: {{type: string, default: main}}
  regions: {{type: array, items: {{type: string}}, default: [eu, us]}}
on:
  webhook:
    - source: github
      events: [push]
      if: trigger.body.ref == "refs/heads/main"
      inputs: {{sha: "${{{{ trigger.body.after }}}}"}}
timeout: 1d
defaults: {{timeout: 10m, retry: {{max_attempts: 3, delay: 2s}}}}
tasks:
  build:
    uses: http
    with:
      method: POST
      url: https://ci.example.com/build
      json: {{service: "${{{{ inputs.service }}}}", sha: "${{{{ inputs.sha }}}}"}}
    outputs: {{image: {{type: string}}, score: {{type: number}}}}
  risk:
    needs: build
    switch:
      high: tasks.build.outputs.score < 0.8
      low: otherwise
  approve:
    needs: risk.high
    uses: approval
    with:
      message: "Release ${{{{ inputs.service }}}}?"
      approvers: ["group:managers"]
      expires: 24h
  refused:
    needs: [approve.rejected, approve.expired]
    join: any
    uses: message
    with: {{channel: releases, text: "Refused: ${{{{ tasks.approve.outputs.?comment.orValue('no answer') }}}}"}}
  deploy:
    needs: [risk.low, approve]
    join: any
    for_each: inputs.regions
    as: region
    tasks:
      roll:
        run: ./roll.sh
        env: {{REGION: "${{{{ region }}}}", IMAGE: "${{{{ tasks.build.outputs.image }}}}", TOKEN: "${{{{ secrets.DEPLOY_TOKEN }}}}"}}
      healthy:
        needs: roll
        repeat: {{until: outputs.status == 200, delay: 10s, max_iterations: 30}}
        uses: http
        with: {{url: "https://${{{{ region }}}}.example.com/health", allow_status: [200, 503]}}
"""
CHECK = """\
  check_{index}:
    needs: {needs}
    run: ./check.sh {index}
    env: {{SERVICE: "${{{{ inputs.service }}}}", CLUSTER: "${{{{ vars.cluster }}}}"}}
    if: inputs.regions.size() > {index} || inputs.service != "none-{number}"
"""
TAIL = """\
finally:
  report: {uses: message, with: {channel: releases, text: "Release ${{ instance.state }}"}}
"""
CHECKS, ROWS = 12, 4
JOBS = 20
ACTION = """\
name: release-{number}
on:
  push: {{branches: [main]}}
  workflow_dispatch:
    inputs:
      service: {{type: string, default: service-{number}}}
permissions: {{contents: read}}
jobs:
"""
JOB = """\
  check_{index}:
    runs-on: ubuntu-latest{needs}
    timeout-minutes: 10
    if: github.ref == 'refs/heads/main' && inputs.service != 'none-{number}'
    env: {{SERVICE: "${{{{ inputs.service }}}}", CLUSTER: "${{{{ vars.cluster }}}}"}}
    steps:
      - uses: actions/checkout@v5
      - run: ./check.sh {index}
"""
ACTIONLINT = Path(__file__).resolve().parent.parent / ".venv-peers" / "actionlint" / "bin" / "actionlint"


def files() -> dict[str, bytes]:
    """1,000 workflows that differ in their names and in more than half of their expressions, and what they share."""
    return {"project.yaml": PROJECT.encode(), **{f"release-{number}.yaml": _file(number) for number in range(FILES)}}


def _file(number: int) -> bytes:
    needs = ["build"] * ROWS + [f"check_{index}" for index in range(CHECKS - ROWS)]
    checks = (CHECK.format(number=number, index=index, needs=needs[index]) for index in range(CHECKS))
    return (HEAD.format(number=number) + "".join(checks) + TAIL).encode()


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds for linting and for reading, and their ratio, run by run; likewise of the two programs, where both are there."""
    texts = files()
    if found := lint(texts):
        raise RuntimeError(found[:3])
    linted, read = [], []
    for _ in range(runs):
        read.append(_seconds(lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts.values()]))
        with unsearched():  # as the command does
            linted.append(_seconds(lambda: lint(texts)))
    figures = {"lint_s": linted, "yaml_load_s": read, "ratio": _ratios(linted, read)}
    return figures | (_programs(texts, runs) if ACTIONLINT.exists() else {})


def _programs(texts: dict[str, bytes], runs: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        ours, theirs = Path(folder) / "workflows", Path(folder) / ".github" / "workflows"
        for place, written in ((ours, texts), (theirs, {f"{n}.yaml": _action(n) for n in range(FILES)})):
            place.mkdir(parents=True)
            for name, text in written.items():
                (place / name).write_bytes(text)
        headrace = [sys.executable, "-c", "from engine.cli.main import main; main()", "lint", str(ours)]
        actionlint = [str(ACTIONLINT), "-shellcheck=", "-pyflakes=", *map(str, theirs.iterdir())]
        took: dict[str, list[float]] = {"headrace_lint_s": [], "actionlint_s": []}
        for _ in range(runs):
            for name, command in zip(took, (headrace, actionlint), strict=True):
                took[name].append(_seconds(partial(_run, command)))
    return took | {"ratio_to_actionlint": _ratios(*took.values())}


def _run(command: list[str]) -> None:
    """One process on one processor: actionlint would take all there are."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"GOMAXPROCS": "1"})


def _action(number: int) -> bytes:
    jobs = (JOB.format(number=number, index=n, needs=f"\n    needs: [check_{n - 1}]" if n else "") for n in range(JOBS))
    return (ACTION.format(number=number) + "".join(jobs)).encode()


def _ratios(over: list[float], under: list[float]) -> list[float]:
    return [one / other for one, other in zip(over, under, strict=True)]


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
