"""The house rules that a machine can keep: file sizes, layers, what may not be imported where."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "webhooks", "benchmarks", "scripts", "tests")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PRODUCT = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ("engine", "webhooks")]
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


def names(path):
    return str(path.relative_to(ROOT))


def test_no_file_is_above_400_lines():
    assert not [names(path) for path in SOURCES if len(path.read_text().splitlines()) > 400]


def test_every_module_says_in_a_sentence_why_it_exists():
    assert not [names(path) for path in PRODUCT if not ast.get_docstring(ast.parse(path.read_text()))]


def test_no_vague_names():
    assert not [names(path) for path in PRODUCT if path.stem in VAGUE]


def calls(path, *wanted):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "engine.core.decide":
            yield node.lineno


def test_only_the_one_door_calls_decide():
    """Law 1: `advance` (with its batch) in production; replay and simulation fold it too, the core's own files are its parts."""
    allowed = {"engine/app/batch.py", "engine/core/replay.py", "engine/simulate/instance.py"}
    callers = {names(path) for path in PRODUCT if any(calls(path)) and not names(path).startswith("engine/core/")}
    assert callers | {"engine/core/replay.py"} == allowed


def test_imports_point_inwards():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_of_this_machine_is_committed():
    """Registries' addresses, paths of a checkout and lock files with addresses stay out."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".woff2"}:
            continue
        text = path.read_text(errors="replace")
        assert str(ROOT) + "/" not in text, name
        if name.startswith("requirements/"):
            assert "://" not in text, name
            assert "index-url" not in text, name
    assert "uv.lock" not in tracked
