"""Runs a composite action's steps as GitHub's runner does: bash, files for outputs, and the expressions that we use."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CONDITION = re.compile(r"\$\{\{ !cancelled\(\) && inputs\.(\w+) (==|!=) '(\w*)' \}\}")
VALUE = re.compile(r"\$\{\{ (?:inputs\.(\w+)|steps\.(\w+)\.outputs\.(\w+)) \}\}")


@dataclass
class Ran:
    """What came of the steps: their exit statuses by name, what they printed, and what they wrote for GitHub."""

    statuses: dict[str, int] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


class Runner:
    """A runner with a temporary folder, for an action that was checked out."""

    def __init__(self, action: Path, temporary: Path, environment: dict[str, str]) -> None:
        self.action: dict[str, Any] = yaml.safe_load((action / "action.yml").read_text())
        self.temporary = temporary
        self.files = {
            name: temporary / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        self.environment = environment | {"GITHUB_ACTION_PATH": str(action), "RUNNER_TEMP": str(temporary)}
        self.environment |= {name: str(path) for name, path in self.files.items()}

    def run(self, workspace: Path, **given: str) -> Ran:
        """Every step that its condition lets run, in the folder of an author's repository."""
        for path in self.files.values():
            path.write_text("")
        inputs = {name: said.get("default", "") for name, said in self.action["inputs"].items()} | given
        assert set(inputs) == set(self.action["inputs"])
        ran, steps = Ran(), {}
        for step in self.action["runs"]["steps"]:
            if self._runs(step, inputs, failed=any(ran.statuses.values())):
                self._step(step, inputs, workspace, ran)
                steps[step.get("id")] = self._outputs()
        ran.outputs = {name: self._value(it["value"], inputs, steps) for name, it in self.action["outputs"].items()}
        ran.summary = self.files["GITHUB_STEP_SUMMARY"].read_text()
        return ran

    def _runs(self, step: dict[str, Any], inputs: dict[str, str], *, failed: bool) -> bool:
        if "if" not in step:
            return not failed
        match = CONDITION.fullmatch(step["if"])
        assert match, step["if"]
        name, compared, value = match.groups()
        return (inputs[name] == value) == (compared == "==")

    def _step(self, step: dict[str, Any], inputs: dict[str, str], workspace: Path, ran: Ran) -> None:
        assert "${{" not in step["run"], "what is put into a script could be a script"
        added = [line for line in self.files["GITHUB_PATH"].read_text().splitlines() if line]
        own = {name: self._value(text, inputs, {}) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*{"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}[step["shell"]], "-c", step["run"]],
            cwd=workspace,
            env=self.environment | own | {"PATH": ":".join([*reversed(added), self.environment["PATH"]])},
            capture_output=True,
            text=True,
            check=False,
        )
        ran.statuses[step["name"]] = done.returncode
        ran.printed[step["name"]] = done.stdout + done.stderr

    def _outputs(self) -> dict[str, str]:
        lines = self.files["GITHUB_OUTPUT"].read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _value(self, text: str, inputs: dict[str, str], steps: dict[str | None, dict[str, str]]) -> str:
        def value(match: re.Match[str]) -> str:
            name, step, output = match.groups()
            return inputs[name] if name else steps.get(step, {}).get(output, "")

        return VALUE.sub(value, text)
