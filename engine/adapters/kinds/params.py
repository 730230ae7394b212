"""The parameters of an attempt, as its kind reads them."""

from __future__ import annotations

from engine.app.kinds import Call
from engine.app.params import Params, read_params


def read(model: type[Params], call: Call) -> Params:
    """The parameters. Raises Failed (`config`) with everything that does not fit."""
    return read_params(model, call.params)
