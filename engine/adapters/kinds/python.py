"""The kind `python`: calls an installed function, named `package.module:function`, in the worker's own thread."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from engine.app.kinds import Call, Failed, misused, only, text
from engine.core.values import JsonObject

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


class Python:
    """Takes `call` and `args`, a map of keyword arguments. A function cannot be stopped: `timeout` only ends the waiting for it."""

    def run(self, call: Call) -> JsonObject:
        only(call.params, "call", "args")
        arguments = call.params.get("args") or {}
        if not isinstance(arguments, dict):
            raise misused("`args` must be a map of keyword arguments")
        function = _imported(text(call.params, "call"))
        try:
            result = function(**arguments)
        except (Exception, SystemExit) as error:
            raise Failed("python", _said(error), {"type": type(error).__name__}) from error
        if result is None:
            return {}
        return result if isinstance(result, dict) else {"result": result}


def _imported(name: str) -> Callable[..., Any]:
    if not _NAME.fullmatch(name):
        raise misused(f"`call` must read package.module:function, not {name!r}")
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute, None)
    except (Exception, SystemExit) as error:
        raise Failed("import", f"cannot import {module}: {_said(error)}", {"type": type(error).__name__}) from error
    if function is None:
        raise Failed("import", f"{module} has no {attribute}")
    if not callable(function):
        raise Failed("import", f"{name} cannot be called")
    called: Callable[..., Any] = function
    return called


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
