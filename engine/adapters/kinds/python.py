"""The kind `python`: calls an installed function, named `package.module:function`, in the worker's own thread."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from engine.adapters.kinds.params import read
from engine.app.kinds import Call, Failed
from engine.core.values import JsonObject
from engine.spec.kinds import PythonParams


class Python:
    """Runs a function with the keyword arguments `args`. It cannot be stopped: `timeout` only ends the waiting for it."""

    def run(self, call: Call) -> JsonObject:
        """Raises Failed: `config`, `import`, `python`."""
        params = read(PythonParams, call)
        function = _imported(params.call)
        try:
            result = function(**params.args)
        except (Exception, SystemExit) as error:
            raise Failed("python", _said(error), {"type": type(error).__name__}) from error
        if result is None:
            return {}
        return result if isinstance(result, dict) else {"result": result}


def _imported(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    try:
        function = attrgetter(attribute)(importlib.import_module(module))
    except (Exception, SystemExit) as error:
        raise Failed("import", f"{name} cannot be imported: {_said(error)}", {"type": type(error).__name__}) from error
    if not callable(function):
        raise Failed("import", f"{name} cannot be called")
    called: Callable[..., Any] = function
    return called


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
