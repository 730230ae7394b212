"""How long 1,000 workflow files of 20 tasks take to lint, beside reading the same files with PyYAML's C loader. Needs no stack."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def files() -> dict[str, bytes]:
    """1,000 workflows that differ in their names and in more than half of their expressions, and what they share."""
    return {"project.yaml": PROJECT.encode(), **{f"release-{number}.yaml": _file(number) for number in range(FILES)}}


def _file(number: int) -> bytes:
    needs = ["build"] * ROWS + [f"check_{index}" for index in range(CHECKS - ROWS)]
    checks = (CHECK.format(number=number, index=index, needs=needs[index]) for index in range(CHECKS))
    return (HEAD.format(number=number) + "".join(checks) + TAIL).encode()


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds for linting and for reading, and their ratio, run by run."""
    texts = files()
    if found := lint(texts):
        raise RuntimeError(found[:3])
    linted, read = [], []
    for _ in range(runs):
        read.append(_seconds(lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in texts.values()]))
        with unsearched():  # as the command does
            linted.append(_seconds(lambda: lint(texts)))
    ratios = [slow / fast for slow, fast in zip(linted, read, strict=True)]
    return {"lint_s": linted, "yaml_load_s": read, "ratio": ratios}


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
