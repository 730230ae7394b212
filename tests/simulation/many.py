"""Many seeds, by as many processes as one likes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context

from tests.simulation.run import Run, run
from tests.simulation.shrink import shortest
from tests.simulation.stage import staged

BLOCK = 25
"""Seeds that a worker process takes at once."""


def results(seeds: range, processes: int, faults: frozenset[str] | None = None) -> Iterator[Run]:
    """What became of each seed, in any order. A failed one comes with its shortest run."""
    blocks = [(range(at, min(at + BLOCK, seeds.stop)), faults) for at in range(seeds.start, seeds.stop, BLOCK)]
    if processes == 1 or len(blocks) == 1:
        for block in blocks:
            yield from _play(block)
        return
    with get_context("spawn").Pool(processes) as pool:
        for found in pool.imap_unordered(_play, blocks):
            yield from found


def _play(block: tuple[range, frozenset[str] | None]) -> list[Run]:
    seeds, faults = block
    found = []
    with staged(), _collected_by_hand():
        for seed in seeds:
            one = run(seed, faults)
            if one.problems and not any(before.problems for before in found):  # the first of a block tells enough
                one = shortest(one)
            found.append(one)
            gc.collect()
    return found


@contextmanager
def _collected_by_hand() -> Iterator[None]:
    """A world is garbage all at once: looking through it on the way, or each time through all that was imported, costs as much as the run."""
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
