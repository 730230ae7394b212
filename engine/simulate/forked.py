"""Shares work out to processes: the core is Python, so one process uses one processor, and thousands of cases want all."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

YOUNG = 20_000
"""Objects made and not yet freed at which a process looks for garbage among them: worlds are thrown away whole."""

_work: Callable[[Any], Any]


def processors() -> int:
    """How many processes can run at once here; 1 where a process cannot be forked."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(sizes: Mapping[Part, int], ways: int) -> list[list[Part]]:
    """The parts as `ways` lists or fewer, whose sums of sizes are about the same; the parts of each stay in their order."""
    lists: list[list[Part]] = [[] for _ in range(ways)]
    sums = [0] * ways
    for part in sorted(sizes, key=lambda part: -sizes[part]):
        least = sums.index(min(sums))
        lists[least].append(part)
        sums[least] += sizes[part]
    order = {part: number for number, part in enumerate(sizes)}
    return [sorted(found, key=order.__getitem__) for found in lists if found]


def each(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """`work` of each part, in a process of its own, in the order of the parts. Raises what `work` raises.

    The processes are forked: `work` need not be picklable and finds all it refers to; parts and results must be.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(parts), mp_context=context, initializer=_inherit, initargs=(work,)) as pool:
        yield from pool.map(_do, parts)


def _inherit(work: Callable[[Any], Any]) -> None:
    global _work  # noqa: PLW0603 - the one way to hand a forked process what cannot be pickled
    _work = work
    gc.freeze()  # what the processes share need not be looked through for garbage, in each
    gc.set_threshold(YOUNG)


def _do(part: Any) -> Any:
    return _work(part)
