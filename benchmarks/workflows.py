"""The workloads' workflows, compiled by the product's own loader."""

from __future__ import annotations

from uuid_utils import uuid7

from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.core.codec import definition_to_json, digest
from engine.core.project import Project
from engine.spec.load import load

NOOP = "{uses: python, with: {call: 'engine.adapters.kinds.noop:noop'}"


def chain(name: str, length: int) -> str:
    """Tasks one after the other."""
    tasks = "".join(f"  t{n}: {NOOP}{f', needs: t{n - 1}' if n else ''}}}\n" for n in range(length))
    return f"name: {name}\ntasks:\n{tasks}"


def fan(name: str, width: int) -> str:
    """Tasks side by side, then one that waits for all."""
    tasks = "".join(f"  t{n}: {NOOP}}}\n" for n in range(width))
    needs = ", ".join(f"t{n}" for n in range(width))
    return f"name: {name}\ntasks:\n{tasks}  join: {NOOP}, needs: [{needs}]}}\n"


ITEMS = f"""name: items
inputs: {{items: {{type: array}}}}
tasks:
  each: {{for_each: inputs.items, max_parallel: 64, {NOOP[1:]}}}
"""
ITERATIONS = f"""name: iterations
inputs: {{times: {{type: integer}}}}
tasks:
  again: {{repeat: {{while: iteration <= inputs.times, max_iterations: 10001}}, {NOOP[1:]}}}
"""

TEXTS = {
    "chain": chain("chain", 10),
    "sequential": chain("sequential", 40),
    "fanout": fan("fanout", 100),
    "latency": chain("latency", 1),
    "items": ITEMS,
    "iterations": ITERATIONS,
}


def versions() -> dict[str, Version]:
    """Name to version, as a sync of these files would make them."""
    files = {f"workflows/{name}.yaml": text.encode() for name, text in TEXTS.items()}
    loaded = load(files)
    if loaded.findings:
        raise SystemExit("\n".join(str(finding) for finding in loaded.findings))
    made = {}
    for path, definition in loaded.workflows.items():
        document = definition_to_json(definition)
        made[definition.name] = Version(
            id=str(uuid7()),
            workflow=definition.name,
            digest=digest(document),
            source="main",
            commit="0" * 40,
            path=path,
            author_name="",
            author_email="",
            committed_at=0,
            text=files[path].decode(),
            document=document,
        )
    return made


def store(definitions: object, made: dict[str, Version]) -> None:
    """Make them the active ones, as a sync would."""
    definitions.load(  # type: ignore[attr-defined]
        report=SyncReport(id=str(uuid7()), source="main", commit="0" * 40, state="loaded"),
        source=Source(name="main", url="benchmarks"),
        versions=list(made.values()),
        project=ProjectVersion(source="main", commit="0" * 40, document=Project().to_json()),
    )
