"""What is measured together: a piece is a stack with its baselines, or a peer in turn with ours; each can be measured again by itself."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from benchmarks import baselines, stack
from benchmarks.compared import SAME, FreshPeer, absent, peer
from benchmarks.engines import ALONE, FRESH, OWN, PAIRED, PAIRS, Fresh, engine
from benchmarks.rounds import Figure, measure
from benchmarks.scaling import scaling

OURS = ("workers", "postgres")
"""Our stacks that stand beside peers."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Figures, and what they were measured on."""

    figures: list[Figure]
    about: dict[str, Any] = field(default_factory=dict)


def stacks(names: Sequence[str], workloads: Sequence[str], runs: int, *, bare: bool) -> Iterator[Piece]:
    """Ours, stack by stack; `bare`: without the baselines of `postgres`."""
    shared = [workload for workload in workloads if workload not in (*FRESH, *PAIRS, *ALONE, *OWN)]
    fresh = [workload for workload in workloads if workload in FRESH]
    with stack.servers() as servers:
        for name in names:
            with ExitStack() as opened:
                subjects = [opened.enter_context(engine(name, servers))] if shared else []
                if name == "postgres" and not bare and set(baselines.THROUGHPUT) & set(shared):
                    subjects += [opened.enter_context(baselines.unbatched(servers)), baselines.Commits(servers)]
                found = measure(name, subjects, shared, runs)
            found += measure(name, [Fresh(name, servers)], fresh, runs)
            for workload in workloads if name in PAIRED else ():
                if workload in PAIRS:
                    with PAIRS[workload](name, servers) as pair:
                        found += measure(name, pair, [workload], runs)
            yield Piece(figures=found, about={"machine": machine(servers)})


def peers(names: Sequence[str], workloads: Sequence[str], runs: int) -> Iterator[Piece]:
    """Each peer in turn with ours, on the same servers."""
    shared = [workload for workload in workloads if workload in SAME]
    idle, fresh = ([each for each in workloads if each in of] for of in (("idle",), FRESH))
    with stack.servers() as servers:
        for name in names:
            if reason := absent(name):
                yield Piece(figures=[], about={"peers": {name: {"absent": reason}}})
                continue
            with ExitStack() as opened:
                theirs = opened.enter_context(peer(name, servers))
                ours = [opened.enter_context(engine(each, servers)) for each in OURS if shared]
                found = measure(name, [*ours, theirs], shared, runs) + measure(name, [theirs], idle, runs)
            found += measure(name, [FreshPeer(name, servers)], fresh, runs)
            yield Piece(
                figures=found, about={"machine": machine(servers), "peers": {name: {"version": theirs.version}}}
            )


def alone(workloads: Sequence[str], runs: int) -> Piece:
    """Workloads that need no stack."""
    return Piece(
        figures=[
            Figure(group="none", workload=name, who="none", metric=metric, values=tuple(values))
            for name in workloads
            if name in ALONE
            for metric, values in ALONE[name](runs).items()
        ]
    )


def several(runs: int) -> Piece:
    """One, two and four of each process."""
    with stack.servers() as servers:
        return Piece(figures=scaling(servers, runs), about={"machine": machine(servers)})


def machine(servers: stack.Servers) -> dict[str, str]:
    """What the figures depend on."""
    url = servers.database.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url) as connection, redis.Redis.from_url(servers.cache.fresh_url()) as cache:
        postgres, cached = connection.info.server_version // 10_000, cache.info("server")["redis_version"]
    return {
        "day": time.strftime("%Y-%m-%d"),
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
        "postgresql": str(postgres),
        "redis": str(cached),
    }
