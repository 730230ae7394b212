"""Load what a git source says: all of a commit or nothing of it, and the last good one stays live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from uuid_utils import uuid7

from engine.app.addresses import without_credentials
from engine.app.ports import Clock, Commit, DefinitionStore, Repository
from engine.app.tell_author import AuthorNotice
from engine.app.versions import ProjectVersion, Source, SyncReport, SyncState, Version
from engine.core.codec import definition_to_json, digest
from engine.core.model import Definition
from engine.core.project import Project
from engine.errors import HeadraceError, Rejected
from engine.spec.findings import Finding, Severity
from engine.spec.load import Loaded, load

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What loading a commit would do."""

    versions: tuple[Version, ...]
    project: ProjectVersion
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same_project: bool

    @property
    def changes(self) -> bool:
        return bool(self.added or self.changed or self.removed) or not self.same_project


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
    ) -> None:
        self._source = replace(source, url=without_credentials(source.url))
        self._repository = repository
        self._definitions = definitions
        self._clock = clock
        self._author = author
        self._settled: str | None = None
        """The head that this process has loaded or refused. A new process looks at the head again: its source's folder
        or the language it speaks may have changed meanwhile."""

    def poke(self) -> None:
        """Have the source looked at now, by whichever process follows it. Raises Unavailable."""
        self._definitions.request_sync(self._source.name)

    def poked(self) -> bool:
        """Whether somebody poked since the last call. Raises Unavailable."""
        return self._definitions.take_sync_request(self._source.name)

    def run_once(self) -> SyncReport:
        """Look at the source and load its head if it is new. Raises Unavailable (the definitions DB) and nothing else.

        `unchanged` and a repeated `failed` are reported but recorded only where they follow something else.
        """
        try:
            head = self._repository.fetch()
            if head.sha == self._settled:
                return self._unchanged(head)
            report = self._take(head)
        except HeadraceError as error:
            return self._failed(str(error))
        self._settled = head.sha
        return report

    def _take(self, head: Commit) -> SyncReport:
        before = self._last_settled()
        notes = self._rewritten(before, head)
        loaded, findings = self._read(head)
        findings = [*notes, *findings]
        if loaded is None or any(finding.severity == "error" for finding in findings):
            return self._refuse(head, findings, before, loaded)
        return self._load(head, findings, before, loaded)

    def _read(self, head: Commit) -> tuple[Loaded | None, Sequence[Finding]]:
        try:
            files = self._repository.files(head.sha, self._source.folder)
        except Rejected as error:
            return None, _hostile(error, self._source.folder)
        loaded = load(files)
        return loaded, loaded.findings

    def _refuse(
        self, head: Commit, findings: Sequence[Finding], before: SyncReport | None, loaded: Loaded | None
    ) -> SyncReport:
        report = self._report(head, "refused", findings)
        if before and (before.state, before.commit, before.findings) == ("refused", head.sha, report.findings):
            return self._unchanged(head)
        self._definitions.record_sync(report)
        _log.warning("commit refused", source=self._source.name, commit=head.sha, findings=len(findings))
        live = self._definitions.project()
        settings = Project.from_json(live.document) if live else loaded.project if loaded else Project()
        self._author.refused(report, findings, remote=self._source.url, project=settings)
        return report

    def _load(self, head: Commit, findings: Sequence[Finding], before: SyncReport | None, loaded: Loaded) -> SyncReport:
        plan = self._plan(head, loaded)
        if before and (before.state, before.commit) == ("loaded", head.sha) and not plan.changes:
            return self._unchanged(head)
        report = self._report(head, "loaded", findings, added=plan.added, changed=plan.changed, removed=plan.removed)
        self._definitions.load(report=report, source=self._source, versions=plan.versions, project=plan.project)
        _log.info("commit loaded", source=self._source.name, commit=head.sha, workflows=len(plan.versions))
        recovered = before is not None and before.state == "refused"
        self._author.loaded(report, remote=self._source.url, project=loaded.project, recovered=recovered)
        return report

    def _plan(self, head: Commit, loaded: Loaded) -> _Plan:
        active = {v.workflow: v for v in self._definitions.active_all() if v.source == self._source.name}
        live = self._definitions.project()
        versions = [
            self._version(head, path, definition, loaded.texts[path], active)
            for path, definition in sorted(loaded.workflows.items())
        ]
        new = {version.workflow: version for version in versions}
        return _Plan(
            versions=tuple(versions),
            project=ProjectVersion(source=self._source.name, commit=head.sha, document=loaded.project.to_json()),
            added=tuple(sorted(new.keys() - active.keys())),
            changed=tuple(sorted(name for name in new.keys() & active.keys() if new[name].id != active[name].id)),
            removed=tuple(sorted(active.keys() - new.keys())),
            same_project=live is not None and Project.from_json(live.document) == loaded.project,
        )

    def _version(
        self, head: Commit, path: str, definition: Definition, text: str, active: Mapping[str, Version]
    ) -> Version:
        """The active version where the commit leaves it as it is, else a new one by the author of its last change."""
        document = definition_to_json(definition)
        name = digest(document)
        current = active.get(definition.name)
        if current and (current.digest, current.path, current.text) == (name, path, text):
            return current
        change = self._repository.last_change(head.sha, path)
        return Version(
            id=str(uuid7()),
            workflow=definition.name,
            digest=name,
            source=self._source.name,
            commit=head.sha,
            path=path,
            author_name=change.author_name,
            author_email=change.author_email,
            committed_at=change.committed_at,
            text=text,
            document=document,
        )

    def _last_settled(self) -> SyncReport | None:
        reports = (self._definitions.last_sync(self._source.name, state=state) for state in ("loaded", "refused"))
        return max((report for report in reports if report), key=lambda report: (report.at, report.id), default=None)

    def _rewritten(self, before: SyncReport | None, head: Commit) -> list[Finding]:
        """A forced push is followed like any other, and said: what was live may no longer be in the history."""
        if before is None or before.commit is None or self._repository.contains(before.commit, head.sha):
            return []
        message = f"the branch was rewritten: {before.commit[:12]} is no longer in its history"
        return [_about(self._source.folder, "branch-rewritten", message, severity="warning")]

    def _unchanged(self, head: Commit) -> SyncReport:
        report = self._report(head, "unchanged", ())
        last = self._definitions.last_sync(self._source.name)
        if last is not None and last.state == "failed":
            self._definitions.record_sync(report)
        self._settled = head.sha
        return report

    def _failed(self, error: str) -> SyncReport:
        report = SyncReport(
            id=str(uuid7()), source=self._source.name, commit=None, state="failed", error=error, at=self._clock.now()
        )
        last = self._definitions.last_sync(self._source.name)
        if last is None or (last.state, last.error) != ("failed", error):
            self._definitions.record_sync(report)
            _log.warning("source cannot be read", source=self._source.name, error=error)
        return report

    def _report(
        self,
        head: Commit,
        state: SyncState,
        findings: Sequence[Finding],
        *,
        added: tuple[str, ...] = (),
        changed: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> SyncReport:
        return SyncReport(
            id=str(uuid7()),
            source=self._source.name,
            commit=head.sha,
            state=state,
            author_name=head.author_name,
            author_email=head.author_email,
            message=head.message,
            findings=tuple(finding.to_json() for finding in findings),
            at=self._clock.now(),
            added=added,
            changed=changed,
            removed=removed,
        )


def _hostile(error: Rejected, folder: str) -> list[Finding]:
    if not error.problems:
        return [_about(folder, "unreadable-commit", error.detail)]
    return [
        _about(problem.pointer, "unreadable-file", f"{problem.pointer} {problem.detail}") for problem in error.problems
    ]


def _about(path: str, rule: str, message: str, *, severity: Severity = "error") -> Finding:
    return Finding(path=path, line=1, column=1, severity=severity, rule=rule, message=message)
