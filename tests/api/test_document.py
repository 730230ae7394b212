import json
import re

import jsonschema
import pytest

from engine.api.app import create
from engine.api.openapi import document
from engine.api.table import OPERATIONS
from engine.config import Config
from tests.web.world import populate


@pytest.fixture(scope="module")
def openapi():
    return document(OPERATIONS, "1")


def test_every_route_of_the_api_is_in_the_document(small_world, openapi):
    app = create(small_world.services, Config())
    served = {
        (re.sub(r":path}", "}", route.path), method.lower())
        for route in app.routes
        for method in (getattr(route, "methods", None) or ())
        if method != "HEAD" and (route.path.startswith("/api/") or route.path == "/metrics")
    }
    written = {(path, method) for path, item in openapi["paths"].items() for method in item}
    assert served == written
    assert len(served) == len(OPERATIONS)


def test_every_operation_is_documented(openapi):
    ids = []
    for path, item in openapi["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert any(status.startswith("2") for status in operation["responses"]), path
            ids.append(operation["operationId"])
            names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert names == set(re.findall(r"{(\w+)}", path))
    assert len(ids) == len(set(ids))


def test_every_reference_of_the_document_leads_somewhere(openapi):
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(openapi)):
        assert name in openapi["components"]["schemas"]


def test_answers_fit_their_schemas(small_world, small_client, openapi):
    ids = populate(small_world)
    for path, item in openapi["paths"].items():
        if "get" not in item or not path.startswith("/api/") or "{artifact}" in path:
            continue
        real = (
            path.replace("/deliveries/{id}", "/deliveries/d-started")
            .replace("{name}", "release")
            .replace("{path}", "approve")
        )
        if path.startswith("/api/v1/approvals"):
            real = real.replace("{id}", small_world.instances.approvals.list()[0].id)
        answer = small_client.get(real.replace("{id}", ids["waiting"]))
        assert answer.status_code == 200, real
        schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": openapi["components"]}).validate(answer.json())


def test_the_document_is_served(small_client, openapi):
    served = small_client.get("/api/v1/openapi.json").json()
    assert served["openapi"].startswith("3.1")
    assert served["paths"] == openapi["paths"]
