"""How many cases of workflow tests run in a second, as `headrace test` runs them: files read and compiled. Needs no stack."""

from __future__ import annotations

import time
from pathlib import Path

from engine.simulate.files import is_test, run_files
from engine.simulate.forked import processors

ROOT = Path(__file__).resolve().parent.parent
FILES, CASES = 10, 100
"""Test files, and the cases in each: a file has at most 256 KiB."""
COPIES = 20
"""How often each test file of the examples is there: 1,000 cases."""
PROJECT = "channels: {log: {kind: log}}\npeople: {ana: {email: ana@example.com}}\n"
WORKFLOW = """\
name: release
inputs: {service: {type: string}}
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}, outputs: {image: {type: string}}, retry: {max_attempts: 2, delay: 1s}}
  test: {needs: build, run: test, env: {IMAGE: "${{ tasks.build.outputs.image }}"}}
  scan: {needs: build, run: scan, env: {IMAGE: "${{ tasks.build.outputs.image }}"}}
  ask: {needs: [test, scan], uses: approval, with: {message: "Go?", approvers: [ana], expires: 1d}}
  no: {needs: [ask.rejected, ask.expired], join: any, uses: message, with: {channel: log, text: "no"}}
  ship: {needs: ask, run: ship, env: {IMAGE: "${{ tasks.build.outputs.image }}"}}
  cool: {needs: ship, uses: wait, with: {for: 1h}}
finally:
  tell: {uses: message, with: {channel: log, text: "${{ instance.state }}"}}
"""
CASE = """\
  - name: case {number}
    inputs: {{service: billing}}
    mocks: {{build: [{{error: no}}, {{outputs: {{image: i}}}}], "*": {{}}, ask: {{outcome: approved, after: 3h}}, finally/tell: {{}}}}
    expect: {{state: succeeded, outcomes: {{no: skipped, ship: succeeded}}, attempts: {{build: 2}}}}
"""


def measure(runs: int) -> dict[str, list[float]]:
    """Cases in a second, by what was run and in how many processes; reading and compiling the files is part of it."""
    tests = "workflow: release\ncases:\n" + "".join(CASE.format(number=number) for number in range(CASES))
    one = {
        "release.yaml": WORKFLOW.encode(),
        "project.yaml": PROJECT.encode(),
        **{f"release-{number}.test.yaml": tests.encode() for number in range(FILES)},
    }
    examples = {path.name: path.read_bytes() for path in (ROOT / "workflows").glob("*.yaml")}
    copied = {f"{number}-{name}": text for name, text in examples.items() if is_test(name) for number in range(COPIES)}
    many = {name: text for name, text in examples.items() if not is_test(name)} | copied
    return {
        f"{what}_per_s_in_{processes}": [_rate(files, processes) for _ in range(runs + 1)][1:]
        for what, files in (("cases", one), ("examples", many))
        for processes in sorted({1, processors()})
    }


def _rate(files: dict[str, bytes], processes: int) -> float:
    began = time.perf_counter()
    report = run_files(files, processes=processes)
    took = time.perf_counter() - began
    if report.failed or report.findings:
        raise RuntimeError(report.failed or report.findings)
    return len(report.cases) / took
