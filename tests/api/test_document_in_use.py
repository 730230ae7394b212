"""The OpenAPI document as a client takes it: calls made from it, right ones and wrong ones, get the answers it promises."""

from __future__ import annotations

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from engine.api.app import create
from engine.api.table import OPERATIONS
from engine.config import Config
from tests.web.world import TOKEN, populate

EXAMPLES = 5
"""Calls of each kind to each operation; what was found is kept as a test of its own, so that few are enough here."""
BEARER = {"Authorization": f"Bearer {TOKEN}"}

load_all_checks()


@pytest.fixture
def served(world, stage):
    """The API's document as read from the API, and paths to what exists there."""
    ids = populate(world)
    [approval] = world.instances.approvals.list(instance=ids["waiting"])
    [artifact, _] = world.instances.artifacts.list(ids["succeeded"])
    real = {
        "artifact": artifact.id,
        "instances": ids["succeeded"],
        "approvals": approval.id,
        "deliveries": "d-started",
        "workflows": "gate",
    }
    with stage.client(create(world.services, Config(api_token=TOKEN))):
        yield schemathesis.openapi.from_url(f"{stage.url}/api/v1/openapi.json", headers=BEARER), real


def calls(operation, mode, real):
    """A function that makes the calls; every other one is about something that exists."""
    turns = itertools.count()
    ids = {
        "name": real["workflows"],
        "artifact": real["artifact"],
        "id": next((real[part] for part in operation.path.split("/") if part in real), "nope"),
    }

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case):
        if next(turns) % 2 == 0:
            case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
        # A list of one is sent like the one alone, and one of none not at all: wrong in the document's eyes only.
        assume(not any(isinstance(value, list | dict) and len(value) <= 1 for value in (case.query or {}).values()))
        answer = case.call(headers=BEARER)
        # A text with NUL fits every schema and no database: it is refused, which the document cannot say.
        case.validate_response(answer, headers=BEARER, excluded_checks=[positive_data_acceptance])

    return call


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_every_operation_answers_as_the_document_says(served, mode):
    schema, real = served
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.label for operation in operations} == {
        f"{entry.method} {entry.path.replace(':path}', '}')}" for entry in OPERATIONS if entry.id != "getOpenapi"
    }, "all but the address of the document itself, which schemathesis leaves out"
    for operation in operations:
        try:
            calls(operation, mode, real)()
        except Unsatisfiable:  # a call without parameters or a body cannot be made wrongly
            assert mode is GenerationMode.NEGATIVE
