"""No false alarm: what is reported never gives a value, whatever values fit the schemas. Our evaluator is the judge."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.core.expressions.budget import STEPS, Run
from engine.core.expressions.compile import compile_ast
from engine.core.expressions.errors import Stop
from engine.core.expressions.inner import ABSENT, Optional
from engine.core.expressions.results import to_json
from engine.spec.cel import CelSyntaxError, parse
from engine.spec.cel_paths import children
from engine.spec.typing.check import check_types
from engine.spec.typing.expected import VALUE
from tests.spec.typing.probes import probes
from tests.spec.typing.worlds import EXPRESSIONS, worlds

FAILED = object()


def value_of(node, names, bound):
    """What a node gives with values for the variables around it, or FAILED."""
    program = compile_ast(filled(node, bound))
    try:
        return program.run(Run(names, program.slots, STEPS))
    except Stop:
        return FAILED


def filled(node, bound):
    """The node with constants in place of variables."""
    if not isinstance(node, list) or not bound:
        return node
    if node[:1] == ["var"] and node[2] in bound:
        return ["const", node[1], bound[node[2]]]
    if node[:1] == ["macro"]:
        tag, at, name, source, (variable, *bodies) = node
        inner = {key: value for key, value in bound.items() if key != variable}
        return [tag, at, name, filled(source, bound), [variable, *(filled(body, inner) for body in bodies)]]
    return [filled(part, bound) for part in node]


def bindings(root, target, names, bound):
    """The values of variables with which `target` is reached, each element of each macro in turn."""
    if root is target:
        yield bound
        return
    if root[0] != "macro":
        for child in children(root):
            yield from bindings(child, target, names, bound)
        return
    _, _, _, source, (variable, *bodies) = root
    yield from bindings(source, target, names, bound)
    box = value_of(source, names, bound)
    if isinstance(box, Optional):
        box = [box.value] if box.present else []
    for element in box if isinstance(box, list | dict) else ():
        for body in bodies:
            yield from bindings(body, target, names, {**bound, variable: element})


def works(problem, ast, names, bound):
    """Whether a node that was reported gives a value all the same."""
    node = problem.node
    if node[0] in {"and", "or"}:
        sides = [value_of(side, names, bound) for side in node[2:]]
        return all(type(side) is bool for side in sides)  # else it can be decided by one side alone
    if node[0] in {"macro", "method"}:
        source = node[3] if node[0] == "macro" else node[3][0]
        box = value_of(source, names, bound)
        if box in ([], {}) or box == ABSENT:
            return False  # nothing is known of what is in nothing
    value = value_of(node, names, bound)
    if value is FAILED or value == ABSENT:
        return False
    if node is not ast:
        return True
    try:
        to_json(value)
    except Stop:
        return False
    return True


def hold(source, world):
    """Nothing that is reported of an expression works with any of the samples."""
    scope, samples = world
    try:
        ast = parse(source).ast
    except CelSyntaxError:
        assume(False)
    for problem in check_types(ast, scope, VALUE):
        for names in samples:
            for bound in bindings(ast, problem.node, names, {}):
                if problem.rule == "never-equal":
                    value = value_of(problem.node, names, bound)
                    assert value is FAILED or value is (problem.node[2] == "!="), problem
                else:
                    assert not works(problem, ast, names, bound), (problem, names, bound)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(worlds(), EXPRESSIONS)
def test_what_is_reported_of_any_expression_never_works(world, source):
    hold(source, world)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.data())
def test_what_is_reported_of_what_stands_in_values_never_works(world, data):
    def evaluate(source):
        try:
            return value_of(parse(source).ast, world[1][0], {})
        except CelSyntaxError:
            return FAILED

    hold(data.draw(probes(evaluate)), world)
