from __future__ import annotations

import sys

import pytest

from engine.adapters.kinds.python import Python
from engine.app.kinds import Failed
from tests.kinds.conftest import call

MODULE = """
import sys
def echo(**arguments): return arguments
def number(): return 7
def broken(): raise KeyError("gone")
def leaving(): sys.exit(3)
value = 1
class Tasks:
    @staticmethod
    def ship(to): return {"to": to}
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "task_functions.py").write_text(MODULE)
    (tmp_path / "task_broken.py").write_text("raise RuntimeError('at import')")
    monkeypatch.syspath_prepend(tmp_path)
    yield "task_functions"
    for name in ("task_functions", "task_broken"):
        sys.modules.pop(name, None)


def run(name, **args):
    return Python().run(call({"call": name, "args": args}))


def test_results(module):
    assert run(f"{module}:echo", a=1, b=[None]) == {"a": 1, "b": [None]}
    assert run(f"{module}:number") == {"result": 7}
    assert run(f"{module}:Tasks.ship", to="eu") == {"to": "eu"}
    assert run("engine.adapters.kinds.noop:noop") == {}


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("{m}:broken", "python", "KeyError: 'gone'"),
        ("{m}:leaving", "python", "SystemExit: 3"),
        ("{m}:number2", "import", "has no attribute 'number2'"),
        ("{m}:value", "import", "task_functions:value cannot be called"),
        ("no_such_module_at_all:x", "import", "No module named"),
        ("task_broken:x", "import", "RuntimeError: at import"),
        ("{m}", "config", "`with`/call"),
        ("{m}:a..b", "import", "cannot be imported"),
        ("../{m}:a", "config", "`with`/call"),
        ("{m}:number;x", "config", "`with`/call"),
    ],
)
def test_failures(module, name, kind, message):
    with pytest.raises(Failed) as caught:
        run(name.format(m=module))
    assert caught.value.kind == kind
    assert message in caught.value.message


def test_a_wrong_argument_is_an_error_of_the_function(module):
    with pytest.raises(Failed) as caught:
        run(f"{module}:number", extra=1)
    assert caught.value.kind == "python"
    assert "extra" in caught.value.message


@pytest.mark.parametrize("params", [{}, {"call": "a:b", "args": [1]}, {"call": "a:b", "arg": {}}])
def test_what_makes_no_sense_is_refused(params):
    with pytest.raises(Failed) as caught:
        Python().run(call(params))
    assert caught.value.kind == "config"
