"""Expressions that reach into sample values by every way there is, and end by asking what was found for its type."""

from hypothesis import strategies as st

ROOTS = ("x", "y", "z", "fixed.s", "fixed.n", "fixed.b", "1", "'eu'", "0.5")
_INTO_LISTS = (
    *("{0}[0]", "{0}.first().value()", "{0}.last().orValue({1})", "{0}[?0].value()", "{0}.map(v, v)[0]", "{0}.reverse()[0]"),
    *("{0}.filter(v, true)[0]", "{0}.sortBy(v, 1)[0]", "{0}.distinct()[0]", "{0}.slice(0, 1)[0]", "({0} + [{1}])[0]"),
    *("{0}.map(v, [v, {1}])[0][0]", "{0}.map(v, true, {{'a': v}})[0].a", "{0}.flatten()[0]", "{0}.first().or({0}.last()).value()"),
)  # fmt: skip
_INTO_MAPS = (
    *(
        "{0}.{2}",
        "{0}['{2}']",
        "{0}.?{2}.value()",
        "{0}[?'{2}'].orValue({1})",
        "{0}.map(v, v)[0]",
        "{0}.map(v, {0}[v])[0]",
    ),
    *("{0}.?{2}.optMap(v, v).value()", "{0}.?{2}.or({0}.?{2}).value()"),
)
_AROUND = (
    *("({1} == {1} ? {0} : {1})", "({1} != {1} ? {1} : {0})", "[{0}, {1}][0]", "{{'a': {0}, 'b': {1}}}.a", "[?optional.of({0})][0]"),
    *("optional.of({0}).orValue({1})", "optional.of({0}).value()", "[{1}].map(v, {0})[0]", "[[{0}], [{1}]][0][0]", "dyn({0})"),
    *("optional.of({0}).optFlatMap(v, optional.of(v)).value()", "{{'a': {0}, ?'b': optional.of({1})}}.a", "string({0})", "size({0})"),
    *("({0} + {1})", "({0} * {1})", "math.abs({0})", "math.greatest({0}, {1})", "-{0}", "type({0})", "{0}.split({1})", "optional.of({0})"),
)  # fmt: skip
_PROBES = (
    *("{0} + 1", "{0} + 0.5", "{0} + 'a'", "{0} + []", "{0} * {1}", "{0} % 2", "{0} < 1", "{0} < 'a'", "{0} < true", "!{0}", "-{0}"),
    *("{0} == 1", "{0} == 'eu'", "{0} != true", "{0} == {1}", "1 in {0}", "'a' in {0}", "{0} in [1, 'a']", "{0} in {1}"),
    *("{0}.trim()", "{0}.a", "has({0}.b)", "{0}.?a", "{0}[0]", "{0}['a']", "{0}[{1}]", "{0}[?{1}]", "{0} ? 1 : 2", "{0} && true"),
    *("{0}.map(v, v)", "{0}.map(v, v + 1)", "{0}.map(v, v + 'a')", "{0}.exists(v, v == 1)", "{0}.all(v, v.size() > 0)", "{0}.sort()"),
    *("{0}.join()", "{0}.orValue(1)", "{0}.hasValue()", "[?{0}]", "{{{0}: 1}}", "lists.range({0})", "math.ceil({0})", "timestamp({0})"),
    *("bytes({0})", "bool({0})", "double({0})", "size({0})", "{0}", "math.least({0})", "'%s'.format([{0}])", "'a'.substring({0})"),
    *("{0}.filter(v, v)", "{0}.sortBy(v, v)", "{0}.optMap(v, v + 1)", "{0}.startsWith({1})"),
)  # fmt: skip


@st.composite
def probes(draw, evaluate):
    """An expression; `evaluate` gives the value of a source, for the next step to fit it."""
    source = draw(st.sampled_from(ROOTS))
    for _ in range(draw(st.integers(0, 4))):
        value = evaluate(source)
        steps = _INTO_LISTS if isinstance(value, list) else _INTO_MAPS if isinstance(value, dict) and value else ()
        step = draw(st.sampled_from(steps if steps and draw(st.integers(0, 2)) else _AROUND))
        keys = sorted(key for key in value if key.isidentifier()) if isinstance(value, dict) else []
        key = draw(st.sampled_from(keys)) if keys else "a"
        source = step.format(source, draw(st.sampled_from(ROOTS)), key)
    return draw(st.sampled_from(_PROBES)).format(source, draw(st.sampled_from(ROOTS)))
