"""Templates are filled in with their types kept; what needs secrets waits for the worker, and nothing else can ask for them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.expressions.codec import (
    expression_from_json,
    expression_to_json,
    template_from_json,
    template_to_json,
)
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.model import ListOf, Literal, MapOf, Position, Text
from engine.core.expressions.reads import expressions, reads_secrets, refs
from engine.core.expressions.render import finish, render
from tests.core.expressions.compiled import expression

NAMES = {
    "inputs": {"service": "web", "n": 3, "d": 1.0, "yes": True, "none": None, "l": [1], "m": {"k": "v"}, "evil": {"$deferred": {"template": ["$", expression_to_json(expression("secrets.TOKEN"))], "names": {}}}},
    "tasks": {"build": {"outputs": {"image": "r:1", "huge": "x"}}},
}  # fmt: skip
SECRETS = {"TOKEN": "s3cret", "OTHER": "0ther"}


def text(*parts):
    return Text(parts=tuple(part if part.startswith("=") is False else expression(part[1:]) for part in parts))


def test_an_expression_keeps_its_type_and_text_becomes_text():
    template = MapOf(
        items=(
            ("n", expression("inputs.n")),
            ("l", ListOf(items=(expression("inputs.m"), Literal(value=[None])))),
            ("t", text("v", "=inputs.n", "-", "=inputs.service", "/", "=inputs.d", "/", "=inputs.yes")),
        )
    )
    assert render(template, NAMES) == {"n": 3, "l": [{"k": "v"}, [None]], "t": "v3-web/1/true"}
    assert render(text("at ", "=timestamp(0)", " for ", "=duration('1m')"), {}) == "at 1970-01-01T00:00:00Z for 60s"


@pytest.mark.parametrize(("name", "kind"), [("none", "null"), ("l", "list"), ("m", "map")])
def test_what_is_no_text_cannot_stand_in_text(name, kind):
    part = expression(f"inputs.{name}", [(0, Position(line=4, column=9))])
    with pytest.raises(EvaluationError, match=f"^{kind} cannot stand inside text") as caught:
        render(Text(parts=("a", part)), NAMES)
    assert caught.value.position == Position(line=4, column=9)


def test_leaves_that_read_secrets_wait_with_only_what_they_read():
    template = MapOf(
        items=(
            (
                "auth",
                text("Bearer ", "=secrets.TOKEN", " for ", "=inputs.service", " of ", "=tasks.build.outputs.image"),
            ),
            ("plain", expression("inputs.n")),
        )
    )
    rendered = render(template, NAMES, defer_secrets=True)
    assert rendered["plain"] == 3
    assert rendered["auth"]["$deferred"]["names"] == {
        "inputs": {"service": "web"},
        "tasks": {"build": {"outputs": {"image": "r:1"}}},
    }
    stored = json.loads(json.dumps(rendered))
    assert "s3cret" not in json.dumps(stored)
    assert finish(stored, SECRETS.__getitem__) == {"auth": "Bearer s3cret for web of r:1", "plain": 3}


def test_without_secrets_a_deferred_leaf_gives_what_it_gave_before():
    for source in (
        "has(inputs.m.nope) ? 'yes' : 'no'",
        "inputs.?gone.?deeper.orValue('none')",
        "has(inputs.m.k) && inputs.m.k == 'v' ? string(size(inputs.m)) : ''",
        "string(inputs.m.size()) + inputs.m.k",
        "inputs.l[0] == 1 ? 'one' : 'other'",
        "has(inputs.m.k) ? 'yes' : 'no'",
    ):
        late = expression(f"secrets.TOKEN + ({source})")
        waiting = render(late, NAMES, defer_secrets=True)
        assert finish(waiting, SECRETS.__getitem__) == "s3cret" + render(expression(source), NAMES), source


def test_a_late_failure_is_an_evaluation_error():
    waiting = render(expression("secrets.TOKEN + inputs.gone"), NAMES, defer_secrets=True)
    with pytest.raises(EvaluationError, match="there is no key 'gone' here"):
        finish(waiting, SECRETS.__getitem__)


def test_each_secret_is_asked_for_once_and_only_if_named():
    asked = []

    def secret(name):
        asked.append(name)
        return SECRETS[name]

    template = ListOf(
        items=(expression("secrets.TOKEN"), expression("secrets.TOKEN + secrets.OTHER"), Literal(value="x"))
    )
    assert finish(render(template, {}, defer_secrets=True), secret) == ["s3cret", "s3cret0ther", "x"]
    assert sorted(asked) == ["OTHER", "TOKEN"]


def test_a_secret_nobody_knows_raises_what_its_source_raises():
    with pytest.raises(KeyError):
        finish(render(expression("secrets.NOPE"), {}, defer_secrets=True), SECRETS.__getitem__)


def forbidden(name):
    raise AssertionError(name)


def test_a_value_from_outside_cannot_pass_for_a_deferred_one():
    for template in (
        expression("inputs.evil"),
        expression("[inputs.evil]"),
        expression("{'$deferred': inputs.evil}"),
        Literal(value={"a": [NAMES["inputs"]["evil"]]}),
        MapOf(items=(("$deferred", expression("inputs.evil")),)),
        MapOf(items=(("$deferred", Literal(value={"value": {}})),)),
    ):
        rendered = render(template, NAMES, defer_secrets=True)
        assert finish(rendered, forbidden) == render(template, NAMES)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["$deferred", "value", "template", "names", "a"]), inner, max_size=3),
    ),
)


@given(JSON)
def test_any_value_comes_out_of_finish_as_it_was(value):
    for template in (Literal(value=value), expression("v"), MapOf(items=(("$deferred", expression("v")),))):
        expected = render(template, {"v": value})
        assert finish(render(template, {"v": value}, defer_secrets=True), forbidden) == expected


TEMPLATES = [
    Literal(value={"a": [1, None, {"$": "="}]}),
    expression("inputs.n + 1", [(0, Position(line=3, column=4))]),
    text("a ", "=inputs.service", " b"),
    ListOf(items=(Literal(value=1), expression("tasks.build.outputs.image"))),
    MapOf(items=(("x", expression("secrets.TOKEN")), ("y", ListOf(items=(text("=inputs.n"),))))),
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_survive_their_stored_form(template):
    assert template_from_json(json.loads(json.dumps(template_to_json(template)))) == template


def test_expressions_survive_their_stored_form():
    source = expression("inputs.l.exists(x, x == 1.0) ? {'a': null} : [true]", [(0, Position(line=3, column=4))])
    assert expression_from_json(json.loads(json.dumps(expression_to_json(source)))) == source
    assert expression_from_json(json.loads(json.dumps(expression_to_json(source)))).starts == source.starts


def test_an_unknown_stored_form_is_refused():
    with pytest.raises(ValueError, match="unknown kind"):
        template_from_json(["?", 1])


def test_what_a_template_reads():
    both = ListOf(items=tuple(TEMPLATES))
    assert refs(both) == {
        ("inputs", "n"),
        ("inputs", "service"),
        ("tasks", "build", "outputs", "image"),
        ("secrets", "TOKEN"),
    }
    assert [found.source for found in expressions(both)] == [
        "inputs.n + 1", "inputs.service", "tasks.build.outputs.image", "secrets.TOKEN", "inputs.n",
    ]  # fmt: skip
    assert reads_secrets(both)
    assert not reads_secrets(TEMPLATES[0])
