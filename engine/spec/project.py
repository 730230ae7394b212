"""Reads project.yaml: what the workflows of a repository share."""

from __future__ import annotations

from dataclasses import replace

from engine.core.project import RESERVED_QUEUE, ChannelSpec, Person, Project, WebhookSource
from engine.spec.nodes import Document, Path, Scalar
from engine.spec.notebook import Notebook
from engine.spec.policy_models import PoliciesKeys
from engine.spec.project_models import ChannelKeys, PersonKeys, ProjectKeys, WebhookSourceKeys
from engine.spec.references import (
    note_unknown_channel,
    note_unknown_person,
    note_unknown_receiver,
    note_unknown_source,
)
from engine.spec.shape import read_shape
from engine.spec.triggers import is_zone, not_a_zone


def read_project(document: Document) -> tuple[Project | None, PoliciesKeys, Notebook]:
    """The project in a file, None where it has errors, its policies, and everything found."""
    notebook = Notebook(document)
    if document.root.value is None:
        return Project(), PoliciesKeys(), notebook  # nothing but comments
    shape = read_shape(document, ProjectKeys)
    if not isinstance(shape, ProjectKeys):
        notebook.findings += shape
        return None, PoliciesKeys(), notebook
    _check(notebook, shape)
    if notebook.failed:
        return None, PoliciesKeys(), notebook
    return _project(shape), shape.policies, notebook


def _check(notebook: Notebook, shape: ProjectKeys) -> None:
    project = _project(shape)
    for group, members in shape.groups.items():
        for index, member in enumerate(members):
            note_unknown_person(notebook, project, member, ("groups", group, index))
    for name, channel in project.channels.items():
        single = isinstance(notebook.document.find(("channels", name, "to")), Scalar)
        for index, receiver in enumerate(channel.to):
            if "@" not in receiver:
                at: Path = ("channels", name, "to") if single else ("channels", name, "to", index)
                note_unknown_receiver(notebook, project, receiver, at)
    if project.sync_channel:
        note_unknown_channel(notebook, project, project.sync_channel, ("sync", "channel"))
    if project.sync_webhook:
        note_unknown_source(notebook, project, project.sync_webhook, ("sync", "webhook"))
    if RESERVED_QUEUE in project.queues:
        index = shape.queues.index(RESERVED_QUEUE)
        notebook.note(("queues", index), "reserved-name", f'the queue "{RESERVED_QUEUE}" is the engine\'s own')
    if not is_zone(project.time_zone):
        notebook.note(("time_zone",), "bad-value", not_a_zone(project.time_zone))


def _project(shape: ProjectKeys) -> Project:
    status = shape.sync.status
    project = Project(
        people={name: _person(name, keys) for name, keys in shape.people.items()},
        groups={name: tuple(members) for name, members in shape.groups.items()},
        channels={name: _channel(name, keys) for name, keys in shape.channels.items()},
        webhooks={name: _webhook(name, keys) for name, keys in shape.webhooks.items()},
        vars=dict(shape.vars),
        secrets=tuple(dict.fromkeys(shape.secrets)),
        queues=tuple(dict.fromkeys(shape.queues)),
        time_zone=shape.time_zone,
        approval_identity=shape.approvals.identity if shape.approvals else "",
        sync_channel=shape.sync.channel or "",
        sync_webhook=shape.sync.webhook or "",
    )
    return replace(project, status_secret=status.secret, status_url=status.url) if status else project


def _person(name: str, keys: PersonKeys) -> Person:
    first = (keys.email,) if keys.email else ()
    return Person(
        name=name,
        emails=tuple(dict.fromkeys((*first, *keys.emails))),
        slack=keys.slack,
        logins=tuple(keys.logins),
    )


def _channel(name: str, keys: ChannelKeys) -> ChannelSpec:
    return ChannelSpec(name=name, kind=keys.kind, to=tuple(keys.to), secret=keys.secret or "")


def _webhook(name: str, keys: WebhookSourceKeys) -> WebhookSource:
    return WebhookSource(
        name=name,
        provider=keys.provider,
        secrets=(keys.secret,) if keys.secret else tuple(keys.secrets or ()),
        max_body=keys.max_body,
        signature_header=keys.signature_header,
        prefix=keys.prefix,
        id_header=keys.id_header,
        event_header=keys.event_header,
    )
