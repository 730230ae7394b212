"""Reads a task's `with` by the same models that lint reads it by, now that every expression in it has its value."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from engine.app.kinds import Failed
from engine.core.values import JsonObject
from engine.spec.fields import Shape

Params = TypeVar("Params", bound=Shape)


def read_params(model: type[Params], given: JsonObject) -> Params:
    """The parameters. Raises Failed (`config`) with everything that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [
            {"pointer": "".join(f"/{step}" for step in found["loc"]), "detail": found["msg"]}
            for found in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        first = problems[0]
        raise Failed("config", f"`with`{first['pointer']}: {first['detail']}", {"problems": problems}) from None
