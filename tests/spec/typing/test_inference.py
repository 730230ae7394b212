"""What is known of a result before it exists: the result fits it, whatever fits the schemas."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.core.expressions.errors import Stop
from engine.core.expressions.results import to_json
from engine.spec.cel import CelSyntaxError, parse
from engine.spec.typing.check import Checker, type_in
from engine.spec.typing.shapes import described
from tests.spec.typing.probes import probes
from tests.spec.typing.schemas import SCOPE
from tests.spec.typing.test_soundness import FAILED, value_of
from tests.spec.typing.worlds import worlds


def strict(shape):
    """The shape as a JSON Schema: a map that lists its members and says nothing of others has no others."""
    schema = {key: value for key, value in shape.items() if key in ("type", "items") and value is not None}
    if "items" in schema:
        schema["items"] = strict(schema["items"])
    if "properties" in shape:
        schema["properties"] = {name: strict(member) for name, member in shape["properties"].items()}
    others = shape.get("additionalProperties")
    if others or "properties" in shape:
        schema["additionalProperties"] = strict(others) if others else False
    return schema


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.data())
def test_results_fit_what_is_known_of_them(world, data):
    scope, samples = world

    def evaluate(source):
        try:
            return value_of(parse(source).ast, samples[0], {})
        except CelSyntaxError:
            return FAILED

    source = data.draw(probes(evaluate))
    try:
        ast = parse(source).ast
    except CelSyntaxError:
        assume(False)
    validator = Draft202012Validator(strict(described(type_in(ast, scope))))
    for names in samples:
        value = value_of(ast, names, {})
        try:
            json = FAILED if value is FAILED else to_json(value)
        except Stop:
            continue
        if json is not FAILED:
            validator.validate(json)


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        ("inputs.replicas", {"type": ["integer"]}),
        ("inputs.replicas + 1", {"type": ["integer"]}),
        ("inputs.score * 2.0", {"type": ["number"]}),
        ("inputs.note", {"type": ["null", "string"]}),
        ("inputs.dry ? 1 : 'a'", {"type": ["integer", "string"]}),
        ("inputs.dbs.map(d, {'port': d.port})[0]", {"type": ["object"], "properties": {"port": {"type": ["integer"]}}}),
        ("inputs.regions.map(r, r.size())", {"type": ["array"], "items": {"type": ["integer"]}}),
        ("inputs.service.split(',')", {"type": ["array"], "items": {"type": ["string"]}}),
        ("timestamp(instance.started_at)", {"type": ["string"]}),
        ("trigger.body.x", {}),
        ("inputs.?service", {}),
        ("bytes('a')", {}),
        ("{'a': 1, ?'b': inputs.?service}", {"type": ["object"]}),
    ],
)
def test_shapes_of_results(source, shape):
    keys = ("type", "properties", "items")
    assert trimmed(described(type_in(parse(source).ast, SCOPE)), keys) == shape


def trimmed(shape, keys):
    """The shape without what does not tell types."""
    found = {key: shape[key] for key in keys if key in shape}
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"]]
    if "items" in found:
        found["items"] = trimmed(found["items"], keys)
    if "properties" in found:
        found["properties"] = {name: trimmed(member, keys) for name, member in found["properties"].items()}
    return found


class Many(dict):
    """Members that count who asks for them, and cannot be gone through."""

    asked = 0

    def get(self, key, default=None):
        self.asked += 1
        return super().get(key, default)

    def __iter__(self):
        raise AssertionError

    items = values = keys = __iter__


def test_of_many_tasks_only_those_that_are_read_are_looked_at():
    tasks = Many({f"t{index}": {"type": "object", "properties": {}} for index in range(10_000)})
    scope = {"type": "object", "properties": {"tasks": {"type": "object", "properties": tasks}}}
    Checker(scope).type_of(parse("tasks.t1 == tasks.t2").ast, {})
    assert tasks.asked == 2
