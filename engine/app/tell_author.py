"""Tells people what became of their commit: a mark beside it at the git host, and a message to the source's channel."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from engine.app.git_ports import CommitStatuses
from engine.app.ports import Secrets
from engine.app.recipients import ChannelChoice
from engine.app.records import Outgoing
from engine.app.versions import SyncReport
from engine.core.project import Project
from engine.errors import HeadraceError
from engine.spec.findings import Finding

LONGEST_DESCRIPTION = 140
"""Characters of a commit status (GitHub's limit)."""

MOST_FINDINGS = 20
"""Findings that a message shows; the sync has all of them."""

_log = structlog.get_logger(__name__)


class AuthorNotice:
    """Best effort on purpose: what cannot be told, for whatever reason, is logged, and the sync stands as it was recorded."""

    def __init__(self, *, statuses: CommitStatuses, secrets: Secrets, channels: ChannelChoice) -> None:
        self._statuses = statuses
        self._secrets = secrets
        self._channels = channels

    def refused(self, report: SyncReport, findings: Sequence[Finding], *, remote: str, project: Project) -> None:
        """The commit was refused as a whole. `project` is the last good one: it says how people are reached."""
        errors = [finding for finding in findings if finding.severity == "error"]
        summary = f"{_count(len(errors))}: {errors[0]}" if errors else "refused"
        self._mark(report, remote, project, good=False, description=summary)
        lines = [
            f"{_short(report)} by {report.author_name} was refused as a whole; what was loaded before stays live.",
            "",
            *(str(finding) for finding in findings[:MOST_FINDINGS]),
        ]
        if len(findings) > MOST_FINDINGS:
            lines.append(f"… and {len(findings) - MOST_FINDINGS} more")
        self._say(project, f"Workflows of {report.source} refused: {_count(len(errors))}", lines)

    def loaded(self, report: SyncReport, *, remote: str, project: Project, recovered: bool) -> None:
        """The commit is live; people are told when the one before it was refused (`recovered`)."""
        self._mark(report, remote, project, good=True, description="the workflows are live")
        if recovered:
            lines = [f"{_short(report)} by {report.author_name} is live."]
            self._say(project, f"Workflows of {report.source} are well again", lines)

    def _mark(self, report: SyncReport, remote: str, project: Project, *, good: bool, description: str) -> None:
        if not project.status_secret or report.commit is None:
            return
        try:
            self._statuses.tell(
                remote=remote,
                url=project.status_url,
                token=self._secrets.get(project.status_secret),
                sha=report.commit,
                good=good,
                description=_cut(description),
            )
        except HeadraceError as error:
            _log.warning("commit status not set", source=report.source, commit=report.commit, error=str(error))
        except Exception:  # noqa: BLE001 - see the class
            _log.exception("commit status not set", source=report.source, commit=report.commit)

    def _say(self, project: Project, subject: str, lines: Sequence[str]) -> None:
        if not project.sync_channel:
            return
        try:
            self._channels.named(project.sync_channel).send(Outgoing(subject=subject, text="\n".join(lines)))
        except HeadraceError as error:
            _log.warning("sync message not sent", channel=project.sync_channel, error=str(error))
        except Exception:  # noqa: BLE001 - see the class
            _log.exception("sync message not sent", channel=project.sync_channel)


def _short(report: SyncReport) -> str:
    title = f' "{report.message}"' if report.message else ""
    return f"Commit {(report.commit or '')[:12]}{title}"


def _count(errors: int) -> str:
    return "1 error" if errors == 1 else f"{errors} errors"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DESCRIPTION else text[: LONGEST_DESCRIPTION - 1] + "…"
