"""Names that an expression may not read: unknown ones with a suggestion, maybe-absent ones without a guard."""

from __future__ import annotations

import pytest

from engine.spec.cel import parse
from engine.spec.names import check_names


def closed(**properties):
    return {"type": "object", "properties": properties}


STRING, INT = {"type": "string"}, {"type": "integer"}
OUTPUTS = closed(image=STRING, n=INT)
TASK = {**closed(outputs=OUTPUTS, outcome=STRING, error=closed(kind=STRING)), "x-maybe": ["error"]}
MAYBE = {
    **TASK,
    "properties": {**TASK["properties"], "outputs": {**OUTPUTS, "x-maybe": ["image"], "x-optional": ["n"]}},
}
SCOPE = closed(
    inputs=closed(
        service=STRING,
        dbs={"type": "array", "items": closed(host=STRING, port=INT)},
        tags={"type": "object", "additionalProperties": closed(name=STRING)},
        note={"type": ["object", "null"], "properties": {"text": STRING}},
        anything={},
    ),
    tasks=closed(build=TASK, maybe=MAYBE, all={**closed(outputs={"type": "array"}), "x-maybe": ["outputs"]}),
    trigger=closed(body={}, headers={"type": "object"}),
    secrets=closed(TOKEN=STRING),
)


def problems(source):
    found = check_names(parse(source).ast, SCOPE)
    return [(source[problem.offset : problem.offset + problem.length], problem.suggestion) for problem in found]


@pytest.mark.parametrize(
    "source",
    [
        "inputs.service",
        "inputs['service']",
        "inputs.dbs[0].port + inputs.dbs.map(d, d.port)[0]",
        "inputs.tags.any.name",
        "inputs.note.text",
        "inputs.anything.at.all",
        "trigger.body.repository.name + trigger.headers['x-y']",
        "tasks[inputs.service].outputs.foo",
        "'Bearer ' + secrets.TOKEN",
        "inputs.dbs.map(inputs, inputs.port)",
        "inputs.dbs.filter(d, d.port > 1).sortBy(d, d.host).first().value().host",
        "has(tasks.maybe.outputs.image) ? tasks.maybe.outputs.image : ''",
        "has(tasks.maybe.outputs.image) && tasks.maybe.outputs.image == 'a'",
        "!has(tasks.maybe.outputs.image) || tasks.maybe.outputs.image == 'a'",
        "!(!has(tasks.maybe.outputs.image) || inputs.service == '') && tasks.maybe.outputs.image == 'a'",
        "tasks.maybe.outcome == 'succeeded' ? tasks.maybe.outputs.image : ''",
        "'approved' == tasks.maybe.outcome && tasks.maybe.outputs.image == ''",
        "tasks.maybe.outcome != 'succeeded' || tasks.maybe.outputs.image == ''",
        "tasks.maybe.outcome in ['succeeded', 'received'] && tasks.maybe.outputs.image == ''",
        "tasks.maybe.outputs.?image.orValue('')",
        "tasks.?maybe.?outputs.?image.optMap(i, i + '!').orValue('')",
        "tasks.maybe.outputs.?image.hasValue() && tasks.maybe.outputs.image == ''",
        "has(tasks.maybe.outputs.n) && tasks.maybe.outputs.n > 1",
        "tasks.build.outcome == 'failed' ? tasks.build.error.kind : ''",
        "has(tasks.build.error) && tasks.build.error.kind == ''",
        "has(tasks.all.outputs) && size(tasks.all.outputs) > 1",
    ],
)
def test_fine(source):
    assert problems(source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("inptus.service", [("inptus", "inputs")]),
        ("inputs.servce", [("servce", "service")]),
        ("inputs['servce']", [("'servce'", "service")]),
        ("inputs.?servce.orValue('')", [("servce", "service")]),
        ("has(inputs.servce)", [("servce", "service")]),
        ("'é😀' + inputs.servce", [("servce", "service")]),
        ("inputs.dbs[0].prt", [("prt", "port")]),
        ("inputs.dbs.exists(d, d.hots == inputs.servce)", [("hots", "host"), ("servce", "service")]),
        ("inputs.dbs.map(d, d.port).map(p, q)", [("q", None)]),
        ("inputs.dbs.map(inputs, .inputs.prt)", [("prt", None)]),
        ("inputs.tags.any.nme", [("nme", "name")]),
        ("inputs.note.txt", [("txt", "text")]),
        ("tasks.biuld.outputs.image", [("biuld", "build")]),
        ("tasks.?biuld.outputs", [("biuld", "build")]),
        ("secrets", [("secrets", None)]),
        ("secrets[inputs.service]", [("secrets", None)]),
        ("secrets.TOKN", [("TOKN", "TOKEN")]),
        ("tasks.maybe.outputs.image", [("image", None)]),
        ("has(tasks.maybe.outputs.image) || tasks.maybe.outputs.image == ''", [("image", None)]),
        ("tasks.maybe.outputs.image == '' && has(tasks.maybe.outputs.image)", [("image", None)]),
        ("has(tasks.maybe.outputs.image) ? '' : tasks.maybe.outputs.image", [("image", None)]),
        ("tasks.maybe.outcome == 'skipped' ? tasks.maybe.outputs.image : ''", [("image", None)]),
        ("tasks.maybe.outcome in ['succeeded', 'failed'] && tasks.maybe.outputs.image == ''", [("image", None)]),
        ("tasks.build.outcome == 'succeeded' && tasks.maybe.outputs.image == ''", [("image", None)]),
        ("tasks.maybe.outcome == 'succeeded' && tasks.maybe.outputs.n > 1", [("n", None)]),
        ("tasks.build.error.kind", [("error", None)]),
        ("has(tasks.build.error.kind)", [("error", None)]),
        ("size(tasks.all.outputs)", [("outputs", None)]),
        ("[1].map(x, has(x.y)) == [true] && tasks.maybe.outputs.?imge.orValue('') == ''", [("imge", "image")]),
    ],
)
def test_problems(source, found):
    assert problems(source) == found


def test_a_message_says_what_to_do():
    (unknown,) = check_names(parse("inputs.zzz").ast, SCOPE)
    assert unknown.message == "there is no 'zzz' in inputs; there is service, dbs, tags, note, anything"
    (absent,) = check_names(parse("tasks.maybe.outputs.image").ast, SCOPE)
    assert absent.message == (
        "'tasks.maybe.outputs.image' may be absent: test it with has(tasks.maybe.outputs.image), "
        "test the outcome of its task, or read .?image.orValue(...)"
    )
