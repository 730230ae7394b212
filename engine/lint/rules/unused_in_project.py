"""What project.yaml declares and no workflow names is left over, or is what a workflow should have named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.project import Project
from engine.core.values import Json
from engine.lint.reads import every_read
from engine.lint.rule import Hit, Rule
from engine.spec.load import Loaded, WorkflowFile
from engine.spec.nodes import Document, Path, Sequence
from engine.spec.nodes import Mapping as Map
from engine.spec.removal import removal
from engine.spec.walk import every_leaf

_EVERY = "*"
"""Stands for all names of a kind: a template says which."""
_KINDS = {"channels": "channel", "groups": "group", "webhooks": "webhook source", "vars": "var"}
_LISTS = {"secrets": "secret", "queues": "queue"}


def check_all(loaded: Loaded) -> Iterator[tuple[Document, Hit]]:
    """Each channel, group, webhook source, var, secret and queue that nothing names. With errors anywhere nothing is said."""
    document = loaded.project_document
    if document is None or loaded.errors or not loaded.files:
        return
    used = {*_by_project(loaded.project), *(name for file in loaded.files for name in _by_workflow(file))}
    for kind, name, path in _declared(document):
        if not {(kind, name), (kind, _EVERY)} & used:
            what = {**_KINDS, **_LISTS}[kind]
            message = f'no workflow names the {what} "{name}"'
            yield document, Hit(path=path, message=message, fixes=removal(document, path))


def _declared(document: Document) -> Iterator[tuple[str, str, Path]]:
    for kind in _KINDS:
        node = document.find((kind,))
        for name in node.entries if isinstance(node, Map) else ():
            yield kind, name, (kind, name)
    for kind in _LISTS:
        node = document.find((kind,))
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            yield kind, str(item.value), (kind, index)


def _by_project(project: Project) -> Iterator[tuple[str, str]]:
    yield from (("channels", project.sync_channel), ("webhooks", project.sync_webhook))
    yield ("secrets", project.status_secret)
    for channel in project.channels.values():
        yield ("secrets", channel.secret)
        yield from (("groups", word.removeprefix("group:")) for word in channel.to)
    for source in project.webhooks.values():
        yield from (("secrets", secret) for secret in source.secrets)


def _by_workflow(file: WorkflowFile) -> Iterator[tuple[str, str]]:
    keys = file.keys
    yield from (("webhooks", webhook.source) for webhook in keys.on.webhook)
    yield ("queues", keys.defaults.queue or "")
    for _, task in every_leaf(keys):
        yield ("queues", task.queue or "")
        given: Mapping[str, Json] = task.with_ or {} if task.uses in ("approval", "message") else {}
        yield from (("channels", word) for word in _words(given.get("channel")))
        for key in ("approvers", "exclude", "to"):
            yield from (("groups", word.removeprefix("group:")) for word in _words(given.get(key)))
    for path in every_read(file.definition) if file.definition else ():
        if path[0] in ("vars", "secrets"):
            yield (path[0], path[1] if len(path) > 1 else _EVERY)


def _words(value: Json) -> list[str]:
    words = value if isinstance(value, list) else [value]
    return [_EVERY if "${{" in word else word for word in words if isinstance(word, str)]


RULE = Rule(
    id="unused-in-project",
    summary="Nothing names something that project.yaml declares.",
    severity="info",
    why=(
        "Channels, groups, webhook sources, vars, secrets and queues are declared for workflows. One that none of them names "
        "is left over: a secret of that kind is one more that workers hold for nothing."
    ),
    before="""\
channels: {releases: {kind: log}, chat: {kind: slack, secret: CHAT_URL}}
vars: {registry: registry.example.com, mirror: mirror.example.com}
secrets: [DEPLOY_TOKEN, OLD_TOKEN]
""",
    after="""\
channels: {releases: {kind: log}}
vars: {registry: registry.example.com}
secrets: [DEPLOY_TOKEN]
""",
    check_all=check_all,
)
