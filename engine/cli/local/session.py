"""One run from the first look at its settings to its exit status: the engine, what is shown, who answers, the report."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from engine import log
from engine.app.large_outputs import whole
from engine.cli.local.asking import Attended
from engine.cli.local.drive import Drive, Ended, Heard, Interrupts, StopNow
from engine.cli.local.engine import LocalEngine, kill_children, running, settings
from engine.cli.local.files import Runnable
from engine.cli.local.out import Out
from engine.cli.local.people import Unattended
from engine.cli.local.plain import Asks, Plain
from engine.cli.local.printable import line
from engine.cli.local.progress import Progress, Silent, Tails
from engine.cli.local.start import start
from engine.cli.local.summary import report
from engine.cli.local.tree import Tree
from engine.cli.local.typed import is_there
from engine.cli.local.watch import Seen, Watch
from engine.config import Config
from engine.core.values import Json, JsonObject

SUCCEEDED, FAILED, UNANSWERED, STOPPED = 0, 1, 3, 130
"""Exit statuses; UNANSWERED is that of a cancelled run too."""
STATUSES = {"succeeded": SUCCEEDED, "failed": FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options say. `body` is a trigger's, if there is one; `timeout` in seconds."""

    inputs: JsonObject
    body: tuple[Json] | None
    events: tuple[tuple[str, Json], ...]
    secrets: Mapping[str, str]
    person: str
    timeout: float | None
    yes: bool
    send: bool
    quiet: bool
    plain: bool
    as_json: bool
    """Standard output is for programs: everything else goes to standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended: the exit status, and all about it for programs."""

    status: int
    document: JsonObject


class Session:
    """Runs a workflow in this folder, which is new. `keep`: the folder stays, whatever happens."""

    def __init__(self, config: Config, folder: Path, runnable: Runnable, wishes: Wishes, *, keep: bool) -> None:
        self._folder = folder
        self._keep = keep
        self._runnable = runnable
        self._wishes = wishes
        self._config = settings(config, folder)
        self._out = Out(sys.stderr if wishes.as_json else sys.stdout)
        self._tails = Tails()
        self._heard = Heard(self._tails)
        self._engine = LocalEngine(
            self._config, secrets=wishes.secrets, heard=self._heard.add, told=self._heard.tell, send=wishes.send
        )

    def run(self) -> Result:
        """To the end. Raises Invalid, Rejected: it cannot be started."""
        log.configure(self._config, self._heard)
        interrupts = Interrupts()
        with interrupts.heard(), running(self._engine, self._runnable):
            watch = Watch(self._engine.instances.reader, self._runnable.definitions, self._start())
            progress, answers = self._parts(watch)
            interrupts.before_leaving = progress.close
            drive = Drive(self._engine, watch, interrupts, timeout=self._wishes.timeout)
            if isinstance(answers, Attended):
                answers.pause, answers.over = progress.close, lambda: drive.ending
            try:
                ended = drive.to_the_end(progress, answers, self._heard)
            except StopNow:
                progress.close()
                self._stop_now(STOPPED if interrupts.count > 1 else UNANSWERED)
            finally:
                progress.close()
            self._report(ended, answers.unsent)
            return self._result(ended)

    def _start(self) -> str:
        engine, wishes = self._engine, self._wishes
        now = engine.clock.now()
        return start(engine.starter, self._runnable, wishes.inputs, by=wishes.person, now=now, body=wishes.body)

    def _parts(self, watch: Watch) -> tuple[Progress, Unattended | Attended]:
        wishes = self._wishes
        answers = Unattended(self._engine, watch, person=wishes.person, yes=wishes.yes, events=wishes.events)
        progress = self._progress(answers.asked)
        if wishes.yes or not (self._out.tty and is_there()):
            return progress, answers
        return progress, Attended(self._engine, self._out, answers, person=wishes.person)

    def _progress(self, asks: Asks) -> Progress:
        if self._wishes.quiet:
            return Silent(self._out)
        drawn = self._out.live and not self._wishes.plain
        return (
            Tree(self._out, self._tails, asks, threads=self._config.task_threads) if drawn else Plain(self._out, asks)
        )

    def _report(self, ended: Ended, unsent: Sequence[str]) -> None:
        lines = [((f"no task waited for the event {line(each)}, which was not sent", "wait"),) for each in unsent]
        self._out.lines([*lines, *report(ended.look.run, self._tails, self._out.width())])
        for each in ended.waited_for:
            self._out.text(f"  {each}", "wait")
        if self._keep:
            self._out.text(f"  kept in {self._folder}; its pages: HEADRACE_STATE_DIR={self._folder} headrace api")

    def _result(self, ended: Ended) -> Result:
        status = UNANSWERED if ended.waited_for else STATUSES.get(ended.look.run.instance.state, UNANSWERED)
        return Result(status=status, document=document(self._engine, ended.look.run) if self._wishes.as_json else {})

    def _stop_now(self, status: int) -> NoReturn:
        """Leave without waiting for anything: threads end with the process, and what tasks started is killed."""
        self._out.text("stopped at once: nothing was cleaned up after the run", "bad")
        if not self._keep:
            shutil.rmtree(self._folder, ignore_errors=True)
        kill_children()
        os._exit(status)


def document(engine: LocalEngine, run: Seen) -> JsonObject:
    """The run for programs, as the API tells of an instance; those that it started by the path of their task."""
    from engine.api.models import Instance
    from engine.api.task_models import Task

    views = whole(engine.instances.values, run.instance.id, run.views)
    return {
        **Instance.model_validate(run.instance).model_dump(mode="json"),
        "tasks": [Task.model_validate(view).model_dump(mode="json") for view in views],
        "children": {path: document(engine, child) for path, child in run.children.items()},
    }
