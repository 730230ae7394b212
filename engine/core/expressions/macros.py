"""CEL's macros as loops: each iteration is paid for before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.core.expressions.budget import Run
from engine.core.expressions.closures import Closure, placed
from engine.core.expressions.errors import Failure, Stop
from engine.core.expressions.functions.lists import sort_by
from engine.core.expressions.inner import ABSENT, Optional, kind, some
from engine.core.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`source.macro(variable, bodies…)`: the variable's slot, and the steps that one iteration costs."""

    source: Closure
    slot: int
    bodies: tuple[Closure, ...]
    each: int
    offset: int

    def over(self, run: Run, *, only_list: bool = False) -> Iterator[Json]:
        """The elements of a list or the keys of a map, each put into the variable's slot."""
        box = self.source(run)
        if type(box) is not list and (only_list or type(box) is not dict):
            raise Failure(
                f"a list{'' if only_list else ' or map'} is needed to go through, not {kind(box)}", self.offset
            )
        for item in box:
            run.left -= self.each
            if run.left < 0:
                self.pay(run)
            run.slots[self.slot] = item
            yield item

    def pay(self, run: Run) -> None:
        """Raise the error of a spent budget at this macro."""
        try:
            run.charge(0)
        except Stop as stop:
            raise placed(stop, self.offset) from None

    def test(self, run: Run, body: Closure) -> bool:
        """A body that must be a bool."""
        value = body(run)
        if type(value) is not bool:
            raise Failure(f"the condition of a macro is a bool, not {kind(value)}", self.offset)
        return value


def _quantifier(decisive: bool) -> Callable[[Loop], Closure]:
    """`exists` (decided by True) and `all` (by False): one decisive element wins over errors of others."""

    def compile_loop(loop: Loop) -> Closure:
        (body,) = loop.bodies

        def decide(run: Run) -> bool:
            failed: Failure | None = None
            for _ in loop.over(run):
                try:
                    if loop.test(run, body) is decisive:
                        return decisive
                except Failure as failure:
                    failed = failed or failure
            if failed:
                raise failed
            return not decisive

        return decide

    return compile_loop


def _exists_one(loop: Loop) -> Closure:
    (body,) = loop.bodies
    return lambda run: sum(loop.test(run, body) for _ in loop.over(run)) == 1


def _filter(loop: Loop) -> Closure:
    (body,) = loop.bodies
    return lambda run: [item for item in loop.over(run) if loop.test(run, body)]


def _map(loop: Loop) -> Closure:
    if len(loop.bodies) == 1:
        (body,) = loop.bodies
        return lambda run: [body(run) for _ in loop.over(run)]
    condition, body = loop.bodies
    return lambda run: [body(run) for _ in loop.over(run) if loop.test(run, condition)]


def _sort_by(loop: Loop) -> Closure:
    (body,) = loop.bodies

    def run_it(run: Run) -> Json:
        items = []
        keys = []
        for item in loop.over(run, only_list=True):
            items.append(item)
            keys.append(body(run))
        try:
            return sort_by(run, items, keys)
        except Stop as stop:
            raise placed(stop, loop.offset) from None

    return run_it


def _optional_map(name: str, wrap: Callable[[Loop, Json], Optional]) -> Callable[[Loop], Closure]:
    def compile_loop(loop: Loop) -> Closure:
        (body,) = loop.bodies

        def run_it(run: Run) -> Optional:
            optional = loop.source(run)
            if type(optional) is not Optional:
                raise Failure(f"{name}() needs an optional, not {kind(optional)}", loop.offset)
            if not optional.present:
                return ABSENT
            run.slots[loop.slot] = optional.value
            run.charge(loop.each)
            return wrap(loop, body(run))

        return run_it

    return compile_loop


def _already_optional(loop: Loop, value: Json) -> Optional:
    if type(value) is Optional:
        return value
    raise Failure(f"the body of optFlatMap() must give an optional, not {kind(value)}", loop.offset)


CLOSURES: Mapping[str, Callable[[Loop], Closure]] = {
    "all": _quantifier(False),
    "exists": _quantifier(True),
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
    "sortBy": _sort_by,
    "optMap": _optional_map("optMap", lambda loop, value: some(value)),  # noqa: ARG005
    "optFlatMap": _optional_map("optFlatMap", _already_optional),
}
"""The compiler of each macro."""
