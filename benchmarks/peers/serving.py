"""The peer's side of a measurement: takes workloads by lines of JSON, times them, answers. All that a peer adds is how it does the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

PROBES = 100


class Work(Protocol):
    """What every peer can do; both return when all tasks have ended, as the peer itself tells it."""

    def chain(self, instances: int, length: int) -> None:
        """That many instances at once, each of `length` no-op tasks in sequence."""

    def fan(self, instances: int, width: int) -> None:
        """That many instances at once, each of `width` no-op tasks side by side, then one that waits for all."""


def serve(work: Work, *packages: str) -> None:
    """Answer requests on standard input until it ends. A request has `workload`, `instances`, `size`; `packages` are what is measured."""
    work.chain(1, 1)
    _answer({"version": ", ".join(f"{package} {version(package)}" for package in packages)})
    for line in sys.stdin:
        request = json.loads(line)
        _answer(_run(work, **request))


def _run(work: Work, workload: str, instances: int, size: int) -> dict[str, float]:
    match workload:
        case "chain":
            return {"tasks_per_s": instances * size / _took(lambda: work.chain(instances, size))}
        case "fanout" | "wide":
            return {"tasks_per_s": instances * (size + 1) / _took(lambda: work.fan(instances, size))}
        case "sequential":
            return {"total_ms": _took(lambda: work.chain(1, size)) * 1000}
        case "latency":
            times = sorted(_took(lambda: work.chain(1, 1)) for _ in range(instances))
            return {"p50_ms": times[len(times) // 2] * 1000, "p99_ms": times[int(len(times) * 0.99)] * 1000}
    raise SystemExit(f"no workload {workload}")


def _took(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _answer(document: dict[str, Any]) -> None:
    print(json.dumps(document), file=sys.__stdout__, flush=True)


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the peer, for as long as the block lasts; what it says goes to a file beside its data."""
    with (Path(os.environ["FOLDER"]) / f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def program(name: str) -> str:
    """A program of the environment in which this peer runs."""
    return str(Path(sys.executable).with_name(name))


def until(condition: Callable[[], object], what: str, seconds: float = 180) -> None:
    """Wait until it holds; what it raises counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception:  # noqa: BLE001 - a server that is coming up fails in every way there is
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what} did not get ready within {seconds} s")
