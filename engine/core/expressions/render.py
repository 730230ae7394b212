"""Fills templates in, in two steps where secrets are read: `render` in the engine, `finish` in the worker.

What waits for the worker stands as `{"$deferred": {"template": …, "names": …}}` in the rendered value. A map of the
user's own with the key `$deferred` (it could come from outside and ask for secrets) becomes `{"$deferred": {"value": …}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.core.expressions.codec import template_from_json, template_to_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import evaluate, position_of
from engine.core.expressions.functions.conversions import scalar_text
from engine.core.expressions.inner import kind
from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template, Text
from engine.core.expressions.reads import reads_secrets, refs
from engine.core.values import Json, JsonObject

DEFERRED = "$deferred"
_SECRETS = "secrets"
_TEMPLATE, _NAMES, _VALUE = "template", "names", "value"


def render(template: Template, names: Mapping[str, Json], *, defer_secrets: bool = False) -> Json:
    """The value of a template; raises `EvaluationError`.

    With `defer_secrets` every leaf that reads `secrets` waits for `finish`, which must then be called on the result.
    """
    match template:
        case Literal():
            return _escaped(template.value) if defer_secrets else template.value
        case ListOf():
            return [render(item, names, defer_secrets=defer_secrets) for item in template.items]
        case MapOf():
            made = {key: render(item, names, defer_secrets=defer_secrets) for key, item in template.items}
            return {DEFERRED: {_VALUE: made}} if defer_secrets and DEFERRED in made else made
    if defer_secrets and reads_secrets(template):
        deferred = {_TEMPLATE: template_to_json(template), _NAMES: needed(refs(template), names)}
        return {DEFERRED: deferred}
    if isinstance(template, Text):
        return "".join(part if isinstance(part, str) else _text(part, names) for part in template.parts)
    value = evaluate(template, names)
    return _escaped(value) if defer_secrets else value


def finish(value: Json, secrets: Callable[[str], str]) -> Json:
    """The value that `render(…, defer_secrets=True)` gave, with its secrets, each asked for once.

    Raises `EvaluationError` for an expression that fails now, and whatever `secrets` raises for a name it does not know.
    """
    known: dict[str, str] = {}

    def secret(name: str) -> str:
        if name not in known:
            known[name] = secrets(name)
        return known[name]

    return _finished(value, secret)


def _finished(value: Json, secret: Callable[[str], str]) -> Json:
    if type(value) is list:
        return [_finished(item, secret) for item in value]
    if type(value) is not dict:
        return value
    deferred = value.get(DEFERRED)
    if deferred is None or len(value) != 1:
        return {key: _finished(item, secret) for key, item in value.items()}
    if _VALUE in deferred:
        return {key: _finished(item, secret) for key, item in deferred[_VALUE].items()}
    template = template_from_json(deferred[_TEMPLATE])
    wanted = sorted({ref[1] for ref in refs(template) if ref[0] == _SECRETS and len(ref) > 1})
    return render(template, {**deferred[_NAMES], _SECRETS: {name: secret(name) for name in wanted}})


def _escaped(value: Json) -> Json:
    """`value`, in which no map can be taken for a deferred one."""
    if type(value) is list:
        return [_escaped(item) for item in value]
    if type(value) is not dict:
        return value
    escaped = {key: _escaped(item) for key, item in value.items()}
    return {DEFERRED: {_VALUE: escaped}} if DEFERRED in escaped else escaped


def _text(expression: Expression, names: Mapping[str, Json]) -> str:
    value = evaluate(expression, names)
    text = scalar_text(value)
    if text is None:
        message = f"{kind(value)} cannot stand inside text; use string(...), join(...) or take one of its members"
        raise EvaluationError(kind="expression", message=message, offset=0, position=position_of(expression, 0))
    return text


def needed(paths: Iterable[tuple[str, ...]], names: Mapping[str, Json]) -> JsonObject:
    """Only what `paths` read of `names`, secrets left out; where a path breaks off, the map it breaks off in stays."""
    needed: JsonObject = {}
    for path in sorted(paths, key=len, reverse=True):
        if path[0] != _SECRETS:
            _copy(names, path, needed)
    return needed


def _copy(source: Mapping[str, Json], path: tuple[str, ...], target: JsonObject) -> None:
    *parents, last = path
    for key in parents:
        if key not in source:
            return
        value = source[key]
        if not isinstance(value, Mapping):
            target[key] = value
            return
        source, target = value, target.setdefault(key, {})
    if last in source:
        target[last] = source[last]
