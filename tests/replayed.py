"""Whether an instance's recorded history, folded again, gives the states that are stored."""

from __future__ import annotations

from dataclasses import replace

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.runs import Run, Runs
from engine.core.codec import definition_from_json
from engine.core.keys import ROOT
from engine.core.replay import replay


def check_history(stores: InstancesDatabase, instance: str) -> int:
    """Its numbers have no gap, and folding it gives the stored scopes; returns how many events there are."""
    facts = stores.store.facts(instance)
    definition = definition_from_json(stores.store.definition(facts.digest))
    rows = []
    while page := stores.reader.history(instance, after=len(rows)):
        rows += page
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    known = Runs().values(instance, stores.values.get)
    context = replace(Run.of(instance, facts, definition).context(ROOT, (), known))
    folded = replay(definition, context, [(row.scope, row.event, row.at) for row in rows])
    assert folded == stores.reader.scopes(instance)
    return len(rows)
