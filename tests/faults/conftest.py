"""A running fleet with a load and its books, short and full forms, and what they measured at the end of the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.faults.loads import PROJECT, Load
from tests.fleet import Fleet
from tests.repository import Repository
from tests.servers import wait_until
from tests.stacks import _mailbox, embedded, go, production, repository

__all__ = ["_mailbox", "embedded", "production", "repository"]

FULL_SECONDS = 1_200
"""What a full form may take; the short ones have the suite's own limit."""
LEASE = "3"
"""Seconds after which the workers of these fleets count as dead, so that recovery is seen often."""

Begin = Callable[..., Ledger]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if config.getoption("--long") and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(FULL_SECONDS))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The runs of a test marked with how many its full form has; the short form is the first."""
    if marker := metafunc.definition.get_closest_marker("runs"):
        (full,) = marker.args
        metafunc.parametrize("run", range(full if metafunc.config.getoption("--long") else 1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures for docs/reliability.md."""
    for report in terminalreporter.getreports("passed"):
        for name, figures in report.user_properties:
            terminalreporter.write_line(f"{name}: {figures}")


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the full form of a promise is asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def measured(request: pytest.FixtureRequest, record_property) -> Callable[..., None]:
    """Keeps figures of a test, for the summary."""

    def keep(**figures: object) -> None:
        shown = ", ".join(
            f"{name} {figure:.1f}" if isinstance(figure, float) else f"{name} {figure}"
            for name, figure in figures.items()
        )
        record_property(request.node.name, shown)

    return keep


@pytest.fixture
def begin(repository: Repository, measured: Callable[..., None]) -> Begin:
    """Starts a fleet over loads, as `begin(production, dag(10), HEADRACE_TASK_THREADS="2")`; gives its books.

    `more` names processes of which a second one runs.
    """

    def start(fleet: Fleet, *loads: Load, more: tuple[str, ...] = (), **environment: str) -> Ledger:
        ledger = Ledger(fleet, measured)  # first: it asks the database past whatever stands before it in `environment`
        fleet.environment.update({"HEADRACE_LEASE": LEASE, **environment})
        files = {load.name: load.text for load in loads}
        repository.commit("Add the load", project=PROJECT, **files)
        go(fleet, repository)
        for name in more:
            fleet.start(f"{name} 2", name)
        wait_until(lambda: all(fleet.get(f"/workflows/{name}") for name in files), seconds=30, what="the sync")
        return ledger

    return start
