"""Which types of expressions are reported, where, and in which words."""

import pytest

from engine.spec.cel import parse
from engine.spec.typing.check import check_types
from engine.spec.typing.expected import VALUE
from tests.spec.typing.schemas import SCOPE


def found(source, expected=VALUE):
    return [
        (problem.rule, source[problem.offset : problem.offset + problem.length], problem.message, problem.suggestion)
        for problem in check_types(parse(source).ast, SCOPE, expected)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "inputs.service + 'x'",
        "inputs.replicas + 1",
        "inputs.replicas * 1.5",
        "inputs.score / 2",
        "inputs.replicas < inputs.score && inputs.score == 1",
        "inputs.note + 'x'",
        "inputs.note == null ? 'none' : inputs.note",
        "inputs.service == null",
        "inputs.either + 1",
        "inputs.either.startsWith('a')",
        "inputs.mixed + 1",
        "inputs.mixed.size()",
        "inputs.pointed + 1",
        "inputs.anything.at.all[3].foo + 1",
        "inputs.pair[0] + 'x'",
        "inputs.patterned.xy + 1",
        "inputs.matrix[0][1] + 1",
        "inputs.matrix.map(row, row.map(x, x + 1))",
        "inputs.dbs.filter(d, d.port > 1).sortBy(d, d.host).first().value().host.trim()",
        "inputs.dbs.map(d, d.host).join(', ')",
        "inputs.regions.map(r, r.size()).exists(n, n > 2)",
        "inputs.db.map(k, k + '!')",
        "inputs.db.all(k, inputs.db[k] != '')",
        "inputs.tags.team + inputs.tags['a-b']",
        "inputs.db[inputs.service] + 1",
        "inputs.fooBar + string(inputs.foo_bar)",
        "inputs.regions[0] + inputs.regions[1.0]",
        "inputs.regions + ['x'] + []",
        "inputs.regions == []",
        "[].map(x, x + 1)",
        "[].first().orValue(3) + 'a'",
        "[1, 'a', null][0] + 1",
        "(inputs.dry ? 1 : 'a') + 1",
        "inputs.?note.orValue('x') + 'y'",
        "inputs.?db.?host.or(inputs.?service).orValue('x').trim()",
        "inputs.?db.host.orValue('x').trim()",
        "inputs.regions[?0].optMap(r, r + '!').orValue('')",
        "inputs.regions.first().optFlatMap(r, inputs.tags[?r]).orValue('')",
        "optional.of(1).value() + 1",
        "optional.none().orValue(1) + 1",
        "[?inputs.?note, 'a'].size()",
        "{'a': 1, ?'b': inputs.?service}.a + 1",
        "timestamp(instance.started_at) + duration('1h') > timestamp('2026-01-01T00:00:00Z')",
        "timestamp(instance.started_at).getHours('Europe/Paris') + duration('90m').getMinutes()",
        "timestamp(instance.started_at) - timestamp(instance.started_at)",
        "int(timestamp(instance.started_at)) - 5",
        "math.greatest(inputs.replicas, inputs.score, 3) + math.least(inputs.ports) + math.abs(inputs.score)",
        "math.ceil(inputs.score) + math.ceil(inputs.replicas)",
        "'%s %d'.format([inputs.service, inputs.replicas])",
        "string(base64.decode(base64.encode(bytes(inputs.service))))",
        "type(inputs.either) == string ? inputs.either : 'number'",
        "dyn(inputs.replicas).startsWith('a')",
        "has(inputs.note) && has(inputs.db.host)",
        "inputs.service in inputs.regions && 'a' in inputs.db && inputs.replicas in [1, 2.5]",
        "trigger.body.repository.name + trigger.headers['x-y']",
        "inputs.service.reverse().split('').reverse().join()",
        "lists.range(inputs.replicas).flatten()[0] + 'x'",
        "item + 1",
        "inputs.regions.map(item, item + '')",
        "unknown.name + 1",
        "-inputs.replicas",
        "inputs.service.matches('^a') || !inputs.dry",
    ],
)
def test_nothing_is_said_of_what_may_work(source):
    assert found(source) == []


@pytest.mark.parametrize(
    ("source", "at", "message", "suggestion"),
    [
        ("inputs.replicas.startsWith('1')", "inputs.replicas", '"inputs.replicas" is a whole number; startsWith() needs text', "string(inputs.replicas)"),
        ("inputs.service.startsWith(1)", "1", "1 is a whole number; startsWith() needs text", "'1'"),
        ("inputs.service.substring('2')", "'2'", "'2' is text; substring() needs a whole number", "2"),
        ("inputs.score.foo", "inputs.score", '"inputs.score" is a number; it has no member "foo"', None),
        ("has(inputs.service.foo)", "inputs.service", '"inputs.service" is text; it has no member "foo"', None),
        ("inputs.regions.name", "inputs.regions", '"inputs.regions" is a list; it has no member "name"', None),
        ("inputs.dbs[0].port.x", "this", None, None),
        ("inputs.db[0]", "0", '"inputs.db" is a map; its keys are text, and 0 is a whole number', None),
        ("inputs.regions['a']", "'a'", '"inputs.regions" is a list; its places are whole numbers, and \'a\' is text', None),
        ("inputs.service[0]", "inputs.service", '"inputs.service" is text; \'[ ]\' looks into a list or a map', None),
        ("inputs.service + 1", "+", None, "'1'"),
        ("inputs.service + inputs.replicas", "+", '"inputs.service" is text and "inputs.replicas" is a whole number; \'+\' takes two numbers of one sort, two texts, two lists, or times', "string(inputs.replicas)"),
        ("1 + 1.5", "+", None, "1.0"),
        ("inputs.replicas < '3'", "<", None, "3"),
        ("inputs.regions - inputs.regions", "-", None, None),
        ("1.5 % inputs.replicas", "%", None, None),
        ("inputs.nothing + 'a'", "+", None, None),
        ("inputs.note * 2", "*", '"inputs.note" is text or null and 2 is a whole number; \'*\' takes two numbers of one sort', None),
        ("-inputs.service", "inputs.service", '"inputs.service" is text; \'-\' needs a number', "int(inputs.service)"),
        ("!inputs.service", "inputs.service", '"inputs.service" is text; \'!\' needs true or false', None),
        ("inputs.dry && inputs.replicas", "inputs.replicas", '"inputs.replicas" is a whole number; \'&&\' needs true or false', None),
        ("inputs.service ? 1 : 2", "inputs.service", '"inputs.service" is text; \'?:\' needs true or false', None),
        ("inputs.dbs.exists(d, d.port)", "d.port", '"d.port" is a whole number; the condition of exists() needs true or false', None),
        ("inputs.dbs.filter(d, d.host.size())", "size", "what size() gives is a whole number; the condition of filter() needs true or false", None),
        ("inputs.dbs.map(d, d.port + '')", "+", None, "string(d.port)"),
        ("inputs.tags.map(k, k + 1)", "+", None, "'1'"),
        ("inputs.service.map(c, c)", "inputs.service", '"inputs.service" is text; map() needs a list or a map', None),
        ("inputs.db.sortBy(k, k)", "inputs.db", '"inputs.db" is a map; sortBy() needs a list', None),
        ("inputs.dbs.sort()", "inputs.dbs", '"inputs.dbs" is a list of maps; sort() needs elements that have an order; sortBy() sorts by one of their members', None),
        ("inputs.ports.join(',')", "inputs.ports", '"inputs.ports" is a list of numbers; join() needs a list of text', "inputs.ports.map(x, string(x))"),
        ("inputs.service.orValue('x')", "inputs.service", '"inputs.service" is text; orValue() needs an optional', "inputs.?service"),
        ("inputs.?note.or('x').value()", "'x'", "'x' is text; or() takes another optional, orValue() takes a value", "orValue"),
        ("inputs.service.optMap(v, v).orValue('')", "inputs.service", None, "inputs.?service"),
        ("inputs.?db.host.orValue('x').x", "orValue", None, None),
        ("{inputs.replicas: 1}", "inputs.replicas", '"inputs.replicas" is a whole number; the key of a map needs text', "string(inputs.replicas)"),
        ("[?inputs.service]", "inputs.service", '"inputs.service" is text; \'?\' needs an optional', "inputs.?service"),
        ("instance.started_at.getHours()", "instance.started_at", '"instance.started_at" is text; getHours() needs a timestamp or a duration', "timestamp(instance.started_at)"),
        ("instance.started_at > timestamp('2026-01-01T00:00:00Z')", ">", None, "timestamp(instance.started_at)"),
        ("duration(inputs.replicas)", "inputs.replicas", None, None),
        ("math.greatest(inputs.service, 1)", "inputs.service", None, "int(inputs.service)"),
        ("math.floor(3)", "3", "3 is a whole number; math.floor() needs a decimal number", "3.0"),
        ("base64.encode(inputs.service)", "inputs.service", None, "bytes(inputs.service)"),
        ("'a' in inputs.service", "inputs.service", '"inputs.service" is text; \'in\' looks into a list or a map', None),
        ("'a' in inputs.either", "inputs.either", '"inputs.either" is text or a whole number; \'in\' looks into a list or a map', None),
        ("inputs.?note", "inputs.?note", "the result is an optional, which ends here; give it a value with .orValue(...)", None),
        ("bytes(inputs.service)", "bytes", "the result is bytes, which cannot leave an expression", None),
        ("type(inputs.service)", "type", "the result is a type, which cannot leave an expression", None),
    ],
)  # fmt: skip
def test_what_can_only_fail_is_said_where_it_stands(source, at, message, suggestion):
    ((rule, where, said, meant),) = found(source)
    assert rule == "expression-type"
    assert meant == suggestion
    if message is not None:
        assert (where, said) == (at, message)


@pytest.mark.parametrize(
    ("source", "suggestion"),
    [
        ("inputs.replicas == '3'", "3"),
        ("'x' != inputs.replicas", "string(inputs.replicas)"),
        ("inputs.service == 3", "'3'"),
        ("inputs.dry == 'true'", "true"),
        ("inputs.service == true", "'true'"),
        ("inputs.service == inputs.replicas", "string(inputs.replicas)"),
        ("timestamp(instance.started_at) == instance.started_at", "timestamp(instance.started_at)"),
        ("inputs.regions == 'eu'", None),
        ("inputs.replicas in ['1', '2']", None),
        ("inputs.replicas in inputs.regions", None),
        ("inputs.replicas in inputs.tags", "string(inputs.replicas)"),
        ("inputs.regions.exists(r, r == 1)", "'1'"),
    ],
)
def test_a_comparison_that_is_always_false_is_a_warning(source, suggestion):
    ((rule, _, _, meant),) = found(source)
    assert rule == "never-equal"
    assert meant == suggestion


def test_a_failure_is_said_once_and_what_is_built_on_it_is_unknown():
    assert len(found("(inputs.replicas.foo.bar || inputs.dry) && (inputs.service + 1).startsWith('a')")) == 2
