"""A definition survives being stored, and its digest says when it changed."""

from __future__ import annotations

from dataclasses import MISSING, fields

import orjson
import pytest

from engine.core import commands
from engine.core.codec import definition_from_json, definition_to_json, digest
from engine.core.expressions.model import Text
from engine.core.model import Check, Retry, WebhookTrigger
from engine.errors import Malformed, Newer
from tests.core.build import cel, define, mapping, task


def everything():
    return define(
        task(
            "b",
            params={"url": "x"},
            env={"A": "1"},
            outputs={"n": {"type": "number"}},
            timeout=1,
            deadline=2,
            queue="big",
            description="d",
            line=3,
        ),
        task(
            "a",
            "b b.failed",
            join="at_least",
            n=2,
            condition=cel("inputs.x > 1"),
            retry=Retry(max_attempts=3, condition=cel("error.kind == 'x'")),
        ),
        task("w", "a.done", kind="wait", params=mapping(**{"for": cel("inputs.pause")})),
        finally_=(task("report", kind="message", params=mapping(text=Text(parts=("ended ", cel("instance.state"))))),),
        outputs=mapping(n=cel("tasks.b.outputs.n")),
        description="all of it",
        labels={"team": "payments"},
        inputs={"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False},
        checks=(Check(condition=cel("inputs.x < 5"), message=Text(parts=("at most ", cel("inputs.x")))),),
        webhooks=(
            WebhookTrigger(
                source="github",
                events=("push",),
                condition=cel("trigger.body.ok"),
                inputs=mapping(x=cel("trigger.body.x")),
            ),
        ),
        timeout=60_000,
        vars={"where": "eu"},
    )


@pytest.mark.parametrize("definition", [define(), define(task("a")), everything()], ids=["empty", "one", "everything"])
def test_it_comes_back_the_same_from_stored_bytes_even_with_its_keys_sorted(definition):
    document = definition_to_json(definition)
    stored = orjson.loads(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
    back = definition_from_json(stored)
    assert back == definition
    assert list(back.tasks.tasks) == list(definition.tasks.tasks)
    assert digest(definition_to_json(back)) == digest(stored) == digest(document)


def test_the_digest_is_that_of_canonical_json():
    assert digest({"b": [1, 2.5], "a": "é"}) == digest({"a": "é", "b": [1, 2.5]})
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert digest(definition_to_json(define(task("a")))) != digest(definition_to_json(define(task("b"))))


def test_defaults_are_left_out():
    assert definition_to_json(define(task("a"))) == {
        "name": "w",
        "tasks": {"tasks": [{"id": "a", "kind": "http"}]},
        "finally_": {"tasks": []},
    }


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": "w"},
        {"name": "w", "tasks": {}, "finally_": {}},
        {**definition_to_json(define(task("a"))), "new": 1},
        {**definition_to_json(define()), "outputs": ["?", 1]},
        {**definition_to_json(define()), "checks": 5},
    ],
)
def test_what_is_no_definition_is_refused(document):
    with pytest.raises(Newer):
        definition_from_json(document)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "OpenScope", "scope": "x"},
        {"type": "CancelTask", "instance": "i", "path": "a", "attempt": 1, "more": 1},
    ],
)
def test_a_command_that_a_newer_version_may_know_is_said_to_be_newer(body):
    with pytest.raises(Newer):
        commands.from_json(body)


def test_a_command_leaves_out_what_it_says_by_default_and_comes_back():
    named = {"instance": "i", "path": "a", "attempt": 1, "kind": "python", "params": {}}
    plain = commands.RunTask(**named)
    assert commands.to_json(plain) == {"type": "RunTask", **named}
    assert commands.from_json(commands.to_json(plain)) == plain
    said = commands.RunTask(**named, env={}, timeout=0, queue="gpu", generation=2, priority=-1)
    assert commands.from_json(commands.to_json(said)) == said


def test_a_command_that_says_all_is_read_as_well():
    said = {"instance": "i", "path": "a", "attempt": 1, "child": "w", "inputs": None}
    default = {"wait": True, "workflow": "", "queue": "tasks"}
    assert commands.from_json({"type": "StartChild", **said, **default}) == commands.StartChild(**said)


def test_what_commands_leave_out_means_the_same_for_ever():
    """Another default would change what is on its way, and what other versions send: a new field needs a new name."""
    defaults = {
        name: {field.name: field.default for field in fields(kind) if field.default is not MISSING}
        for name, kind in commands.OUTBOUND.items()
    }
    assert defaults == {
        "AskApprovers": {"workflow": "", "queue": "tasks"},
        "CancelChild": {"reason": "", "queue": "tasks"},
        "CancelTask": {"queue": "tasks"},
        "GoOn": {"queue": "notifications"},
        "MatchEvent": {"queue": "tasks"},
        "RouteEvent": {"queue": "tasks"},
        "RunTask": {
            "env": None,
            "outputs": None,
            "timeout": None,
            "workflow": "",
            "queue": "tasks",
            "generation": 1,
            "artifacts": None,
            "priority": 0,
        },
        "StartChild": {"wait": True, "workflow": "", "queue": "tasks"},
    }


def test_a_command_that_lacks_a_field_is_malformed():
    with pytest.raises(Malformed) as raised:
        commands.from_json({"type": "CancelTask"})
    assert not isinstance(raised.value, Newer)
