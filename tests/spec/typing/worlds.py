"""Random schemas with values that fit them, and random expressions over their names."""

from hypothesis import strategies as st

from engine.spec.output_shapes import shape_of

NAMES = ("a", "b", "c", "fooBar", "foo_bar")
TEXTS = st.sampled_from(["", "eu", "x-y", "3", "1h", "2026-01-31T10:00:00Z", "true"])
SCALARS = {
    "string": TEXTS,
    "integer": st.integers(-3, 9) | st.sampled_from([2.0, 2**62]),
    "number": st.integers(-3, 9) | st.sampled_from([0.5, -1.5, 2.0]),
    "boolean": st.booleans(),
    "null": st.none(),
}
ANYTHING = st.one_of(*SCALARS.values(), st.lists(TEXTS, max_size=2), st.dictionaries(TEXTS, TEXTS, max_size=2))


def _scalar():
    return st.sampled_from(sorted(SCALARS)).map(lambda kind: ({"type": kind}, SCALARS[kind]))


def _several(parts):
    kinds = sorted({schema["type"] for schema, _ in parts})
    return {"type": kinds}, st.one_of(*(values for _, values in parts))


def _any_of(parts):
    return {"anyOf": [schema for schema, _ in parts]}, st.one_of(*(values for _, values in parts))


def _list(part):
    schema, values = part
    return {"type": "array", "items": schema}, st.lists(values, min_size=1, max_size=3)


def _pair(parts):
    (first, firsts), (rest, rests) = parts
    schema = {"type": "array", "prefixItems": [first], "items": rest}
    return schema, st.tuples(firsts, rests).map(list)


def _map(parts):
    named = dict(zip(NAMES, parts, strict=False))
    schema = {"type": "object", "required": [*named], "additionalProperties": False}
    schema["properties"] = {name: part for name, (part, _) in named.items()}
    return schema, st.fixed_dictionaries({name: values for name, (_, values) in named.items()})


def _labels(part):
    schema, values = part
    found = st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3)
    return {"type": "object", "additionalProperties": schema}, found


def _boxes(inner):
    return st.one_of(
        inner.map(_list),
        st.tuples(inner, inner).map(_pair),
        st.lists(inner, min_size=1, max_size=3).map(_map),
        inner.map(_labels),
        st.lists(_scalar(), min_size=2, max_size=3).map(_several),
        st.lists(inner, min_size=2, max_size=2).map(_any_of),
    )


SEVERAL = st.lists(_scalar(), min_size=2, max_size=3).map(_several)
SCHEMAS = st.recursive(_scalar() | st.just(({}, ANYTHING)), _boxes, max_leaves=5)


@st.composite
def worlds(draw):
    """A scope, and a few sets of values for its names."""
    parts = {"x": draw(SCHEMAS.map(_list) | SCHEMAS), "y": draw(SCHEMAS), "z": draw(SEVERAL)}
    scope = {"type": "object", "properties": {name: shape_of(schema) for name, (schema, _) in parts.items()}}
    scope["properties"]["fixed"] = shape_of(
        {"type": "object", "properties": {"s": {"type": "string"}, "n": {"type": "integer"}, "b": {"type": "boolean"}}}
    )
    values = {name: values for name, (_, values) in parts.items()}
    values["fixed"] = st.fixed_dictionaries({"s": TEXTS, "n": SCALARS["integer"], "b": st.booleans()})
    return scope, draw(st.lists(st.fixed_dictionaries(values), min_size=4, max_size=4))


_LEAVES = st.sampled_from(
    ["x", "y", "z", "fixed.s", "fixed.n", "fixed.b", "v", "1", "0", "1.5", "'eu'", "'3'", "true", "null", "[]", "{}"]
)
_BINARY = ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||")
_AROUND = (
    *("{0}.a", "{0}.fooBar", "{0}.foo_bar", "{0}.?a", "has({0}.b)", "{0}[{1}]", "{0}[?{1}]", "{0}['a']", "{0}[0]"),
    *(
        "!{0}",
        "-{0}",
        "({0} ? {1} : {2})",
        "[{0}, {1}]",
        "[?{0}]",
        "{{'a': {0}}}",
        "{{'a': {0}, ?'b': {1}}}",
        "{{{0}: 1}}",
    ),
    *(f"({{0}} {symbol} {{1}})" for symbol in _BINARY),
    *(f"{{0}}.{name}(v, {{1}})" for name in ("all", "exists", "exists_one", "filter", "map", "sortBy", "optMap")),
    *("{0}.map(v, {1}, {2})", "{0}.optFlatMap(v, {1})", "{0}.orValue({1})", "{0}.value()", "{0}.hasValue()"),
    *(
        f"{name}({{0}})"
        for name in ("int", "double", "string", "bool", "bytes", "timestamp", "duration", "dyn", "type")
    ),
    *("size({0})", "matches({0}, {1})", "{0}.startsWith({1})", "{0}.substring({1})", "{0}.split({1})", "{0}.trim()"),
    *(
        "{0}.join({1})",
        "{0}.join()",
        "{0}.sort()",
        "{0}.distinct()",
        "{0}.reverse()",
        "{0}.flatten()",
        "{0}.slice(0, 1)",
    ),
    *("{0}.first()", "{0}.last()", "{0}.format([{1}])", "lists.range(2)", "math.abs({0})", "math.ceil({0})"),
    *("math.greatest({0}, {1})", "math.least({0})", "math.bitAnd({0}, {1})", "{0}.getHours()", "{0}.getFullYear({1})"),
    *("optional.of({0})", "optional.none()", "base64.encode({0})", "base64.decode({0})", "{0}.indexOf({1}, {2})"),
)


def _wrapped(inner):
    return st.tuples(st.sampled_from(_AROUND), inner, inner, inner).map(lambda parts: parts[0].format(*parts[1:]))


EXPRESSIONS = st.recursive(_LEAVES, _wrapped, max_leaves=6)
