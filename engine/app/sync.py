"""Load what a git source says: all of a commit or nothing of it, and the last good one stays live."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from uuid_utils import uuid7

from engine.app.addresses import without_credentials
from engine.app.git_ports import Commit, Repository
from engine.app.ports import Clock, DefinitionStore
from engine.app.sync_plan import make_plan
from engine.app.tell_author import AuthorNotice
from engine.app.versions import SETTLED, Source, SyncReport, SyncState
from engine.core.project import Project
from engine.core.values import JsonObject
from engine.errors import HeadraceError, Rejected
from engine.lint.linter import lint_loaded
from engine.spec.findings import Finding, Severity
from engine.spec.load import Loaded, load

LONGEST_ERROR = 300
"""Characters that are told of an error nobody foresaw; the log has all of it."""
LOGGED = 20
"""Findings of a refused commit that the log tells; all of them are in the record."""
REWRITTEN = "branch-rewritten"
"""The rule of the finding that says how the head came to be, not what its files are."""
UNREADABLE = "unreadable-commit"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What stood in the definitions DB before the head was asked for: the newest sync that settled a commit, and of all."""

    settled: SyncReport | None
    newest: SyncReport | None

    @property
    def known(self) -> str:
        return self.settled.id if self.settled else ""


class Synchronizer:
    """Follows one source. One thread calls `run_once`; any process may `poke`."""

    def __init__(
        self,
        *,
        source: Source,
        repository: Repository,
        definitions: DefinitionStore,
        clock: Clock,
        author: AuthorNotice,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = replace(source, url=without_credentials(source.url))
        self._repository = repository
        self._definitions = definitions
        self._clock = clock
        self._author = author
        self._monotonic = monotonic
        self._looked_at: float | None = None
        self._settled: str | None = None
        """The head that this process has loaded or refused, or found so. A new process looks at the head again: its source's folder
        or the language it speaks may have changed meanwhile."""

    def poke(self) -> None:
        """Have the source looked at now, by whichever process follows it. Raises Unavailable."""
        self._definitions.request_sync(self._source.name)

    def poked(self) -> bool:
        """Whether somebody poked since the last call. Raises Unavailable."""
        return self._definitions.take_sync_request(self._source.name)

    def look(self, poll: float) -> SyncReport | None:
        """`run_once` if somebody poked or `poll` seconds have passed since the last time, else nothing: call it every second.

        Raises Unavailable (the definitions DB).
        """
        now = self._monotonic()
        if self._looked_at is not None and now - self._looked_at < poll and not self.poked():
            return None
        self._looked_at = now
        return self.run_once()

    def run_once(self) -> SyncReport:
        """Look at the source and load its head if it is new. Raises Unavailable (the definitions DB) and nothing else.

        An error that nobody foresaw is told as well, where people look for what became of their commit: as a refusal if
        it lies in reading the commit, which every further look would only repeat, else as `failed`.
        `unchanged` and a repeated `failed` are reported but recorded only where they follow something else.
        Where another process settles a commit meanwhile, this one looks again: the head may have moved.
        """
        while True:
            record = self._on_record()
            try:
                head = self._repository.fetch()  # after the record was read: no older a head than the one settled there
                report = self._unchanged(head, record) if self._stands(head, record) else self._take(head, record)
            except HeadraceError as error:
                return self._failed(str(error))
            except Exception as error:  # noqa: BLE001 - see above
                _log.exception("a sync failed", source=self._source.name)
                return self._failed(_unforeseen(error))
            if report is not None:
                self._settled = head.sha
                return report

    def _on_record(self) -> _Record:
        settled = self._definitions.last_sync(self._source.name, *SETTLED)
        return _Record(settled=settled, newest=self._definitions.last_sync(self._source.name))

    def _stands(self, head: Commit, record: _Record) -> bool:
        """Whether nothing is to do: this process has settled the head, and so it stands on record."""
        if head.sha != self._settled or record.settled is None:  # the definitions DB was emptied
            return False
        if record.settled.commit == head.sha:
            return True
        # The definitions DB was restored, or a push was taken back that only another process saw. But one that follows
        # another remote or branch under our name is left alone, else the two would undo each other for ever.
        return self._definitions.source(self._source.name) not in (None, self._source)

    def _take(self, head: Commit, record: _Record) -> SyncReport | None:
        """None if another process was faster, whatever it has settled."""
        notes = self._rewritten(record.settled, head)
        loaded, findings = self._read(head)
        findings = [*notes, *findings]
        if loaded is None or any(finding.severity == "error" for finding in findings):
            return self._refuse(head, findings, record, loaded)
        return self._load(head, findings, record, loaded)

    def _read(self, head: Commit) -> tuple[Loaded | None, Sequence[Finding]]:
        try:
            files = self._repository.files(head.sha, self._source.folder)
        except Rejected as error:
            return None, _hostile(error, self._source.folder)
        try:
            loaded = load(files)
            return loaded, [finding for finding in lint_loaded(loaded) if finding.severity != "info"]
        except Exception as error:  # noqa: BLE001 - see `run_once`
            _log.exception("commit cannot be read", source=self._source.name, commit=head.sha)
            message = f"a defect of Headrace keeps it from reading this commit: {_unforeseen(error)}"
            return None, [_about(self._source.folder, UNREADABLE, message)]

    def _refuse(
        self, head: Commit, findings: Sequence[Finding], record: _Record, loaded: Loaded | None
    ) -> SyncReport | None:
        before = record.settled
        report = self._report(head, "refused", record, findings)
        if before and (before.state, before.commit) == ("refused", head.sha) and _of_files(before) == _of_files(report):
            return self._unchanged(head, record)
        if not self._definitions.record_sync(report, known=record.known):
            return None
        _log.warning("commit refused", source=self._source.name, commit=head.sha, findings=len(findings))
        for finding in findings[:LOGGED]:
            _log.warning("finding", text=str(finding))
        live = self._definitions.project()
        settings = Project.from_json(live.document) if live else loaded.project if loaded else Project()
        self._author.refused(report, findings, remote=self._source.url, project=settings)
        return report

    def _load(self, head: Commit, findings: Sequence[Finding], record: _Record, loaded: Loaded) -> SyncReport | None:
        before = record.settled
        plan = make_plan(self._source.name, head, loaded, self._definitions, self._repository)
        if before and (before.state, before.commit) == ("loaded", head.sha) and not plan.changes:
            return self._unchanged(head, record)
        report = self._report(head, "loaded", record, findings)
        report = replace(report, added=plan.added, changed=plan.changed, removed=plan.removed)
        first = self._definitions.load(
            report=report,
            source=self._source,
            versions=plan.versions,
            project=plan.project,
            known=record.known,
        )
        if not first:
            return None
        _log.info("commit loaded", source=self._source.name, commit=head.sha, workflows=len(plan.versions))
        recovered = before is not None and before.state == "refused"
        self._author.loaded(report, remote=self._source.url, project=loaded.project, recovered=recovered)
        return report

    def _rewritten(self, before: SyncReport | None, head: Commit) -> list[Finding]:
        """A forced push is followed like any other, and said: what was live may no longer be in the history."""
        if before is None or before.commit is None or self._repository.contains(before.commit, head.sha):
            return []
        message = f"the branch was rewritten: {before.commit[:12]} is no longer in its history"
        return [_about(self._source.folder, REWRITTEN, message, severity="warning")]

    def _unchanged(self, head: Commit, record: _Record) -> SyncReport:
        report = self._report(head, "unchanged", record)
        if record.newest is not None and record.newest.state == "failed":
            self._definitions.record_sync(report)
        return report

    def _failed(self, error: str) -> SyncReport:
        last = self._definitions.last_sync(self._source.name)
        report = SyncReport(
            id=str(uuid7()),
            source=self._source.name,
            commit=None,
            state="failed",
            error=error,
            at=self._after(last),
        )
        if last is None or (last.state, last.error) != ("failed", error):
            self._definitions.record_sync(report)
            _log.warning("source cannot be read", source=self._source.name, error=error)
        return report

    def _report(self, head: Commit, state: SyncState, record: _Record, findings: Sequence[Finding] = ()) -> SyncReport:
        return SyncReport(
            id=str(uuid7()),
            source=self._source.name,
            commit=head.sha,
            state=state,
            author_name=head.author_name,
            author_email=head.author_email,
            message=head.message,
            findings=tuple(finding.to_json() for finding in findings),
            at=self._after(record.newest),
        )

    def _after(self, last: SyncReport | None) -> int:
        """The time, behind that of what is on record: syncs are ordered by it, and whoever wrote that may have another clock."""
        return max(self._clock.now(), last.at + 1 if last else 0)


def _of_files(report: SyncReport) -> list[JsonObject]:
    return [finding for finding in report.findings if finding["rule"] != REWRITTEN]


def _hostile(error: Rejected, folder: str) -> list[Finding]:
    if not error.problems:
        return [_about(folder, UNREADABLE, error.detail)]
    return [
        _about(problem.pointer, "unreadable-file", f"{problem.pointer} {problem.detail}") for problem in error.problems
    ]


def _unforeseen(error: Exception) -> str:
    """Written so that every database takes it, whatever is in it."""
    return ascii(error)[:LONGEST_ERROR]


def _about(path: str, rule: str, message: str, *, severity: Severity = "error") -> Finding:
    return Finding(path=path, line=1, column=1, severity=severity, rule=rule, message=message)
