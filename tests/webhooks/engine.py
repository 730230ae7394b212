"""Everything behind the webhooks process, on real stores: what is posted becomes instances that can be looked at."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from engine.adapters.broker.connect import connect
from engine.adapters.databases.connect import open_definitions, open_instances
from engine.app.advance import Advancer
from engine.app.project import ActiveProject
from engine.app.receive import Receiver
from engine.app.records import Delivery, Instance
from engine.app.start import Starter
from engine.app.triggers import Triggers
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.core.codec import definition_to_json, digest
from engine.errors import NotFound
from engine.spec.load import load
from webhooks.app import create
from webhooks.metrics import Calls

SECRET = "It's a Secret to Everybody"
OLD = "the one before"

PROJECT = """\
webhooks:
  github: {provider: github, secrets: [HOOK, HOOK_OLD]}
  small: {provider: github, secret: HOOK, max_body: 1KiB}
  shop: {provider: hmac, secret: HOOK, signature_header: X-Sig, prefix: "v1=", id_header: X-Id, event_header: X-Kind}
  unset: {provider: github, secret: MISSING}
  blank: {provider: github, secret: BLANK}
sync: {webhook: github}
vars: {branch: refs/heads/main}
"""

RELEASE = """\
name: release
inputs:
  sha: {type: string, pattern: "^[0-9a-f]{4,40}$"}
  retries: {type: integer, default: 3}
checks:
  - {if: "inputs.sha != '00000000'", message: "nothing was pushed"}
on:
  webhook:
    - source: github
      events: [push]
      if: trigger.body.ref == vars.branch
      inputs: {sha: "${{ trigger.body.after }}"}
tasks:
  one: {uses: values, with: {x: 1}}
"""

AUDIT = """\
name: audit
inputs:
  what: {}
on:
  webhook:
    - {source: github, inputs: {what: "${{ trigger.event }} by ${{ trigger.headers['user-agent'] }}"}}
    - {source: shop, events: [order], inputs: {what: "${{ trigger.body }}"}}
tasks:
  one: {uses: values, with: {x: 1}}
"""

WORKFLOWS = {"release.yaml": RELEASE, "audit.yaml": AUDIT}


@dataclass
class Vault:
    values: dict[str, str] = field(default_factory=lambda: {"HOOK": SECRET, "HOOK_OLD": OLD, "BLANK": ""})

    def get(self, name: str) -> str:
        if name not in self.values:
            raise NotFound("secret", name)
        return self.values[name]


class Engine:
    """One process's worth of it."""

    def __init__(self, url: str) -> None:
        self.instances = open_instances(url)
        self._definitions = open_definitions(url)
        self.definitions = self._definitions.definitions
        self.broker = connect("memory://")
        self.registry = CollectorRegistry()
        self.project = ActiveProject(self.definitions)
        self.secrets = Vault()
        self.advancer = Advancer(
            store=self.instances.store,
            outbox=self.instances.outbox,
            publisher=self.broker.publisher,
            signals=self.broker.signals,
        )
        starter = Starter(definitions=self.definitions, reader=self.instances.reader, advancer=self.advancer)
        self.receiver = Receiver(
            definitions=self.definitions,
            deliveries=self.instances.deliveries,
            project=self.project,
            starter=starter,
            triggers=Triggers(starter),
        )

    def app(self, *, patience: float = 20.0, **more: Any) -> Starlette:
        return create(
            project=self.project,
            secrets=self.secrets,
            receiver=self.receiver,
            calls=Calls(self.registry),
            patience=patience,
            **more,
        )

    def load(self, files: Mapping[str, str], project: str = PROJECT) -> None:
        """Make these files the active ones, as a sync would."""
        loaded = load({path: text.encode() for path, text in (files | {"project.yaml": project}).items()})
        assert not loaded.errors, [str(finding) for finding in loaded.errors]
        commit = uuid4().hex
        versions = []
        for path, definition in loaded.workflows.items():
            document = definition_to_json(definition)
            versions.append(
                Version(
                    id=uuid4().hex,
                    workflow=definition.name,
                    digest=digest(document),
                    source="main",
                    commit=commit,
                    path=path,
                    author_name="Ana",
                    author_email="ana@example.com",
                    committed_at=0,
                    text=loaded.texts[path],
                    document=document,
                )
            )
        self.definitions.load(
            report=SyncReport(id=uuid4().hex, source="main", commit=commit, state="loaded"),
            source=Source(name="main", url="/somewhere"),
            versions=versions,
            project=ProjectVersion(source="main", commit=commit, document=loaded.project.to_json()),
        )

    def started(self) -> Sequence[Instance]:
        return self.instances.reader.list()

    def deliveries(self) -> Sequence[Delivery]:
        return self.instances.deliveries.list()

    def refused(self, source: str, reason: str) -> float:
        provider = self.project().webhooks[source].provider if source else ""
        labels = {"source": source, "provider": provider, "reason": reason}
        return self.registry.get_sample_value("headrace_webhook_refused_total", labels) or 0.0

    def taken(self, source: str, result: str) -> float:
        labels = {"source": source, "provider": self.project().webhooks[source].provider, "result": result}
        return self.registry.get_sample_value("headrace_webhook_deliveries_total", labels) or 0.0

    def close(self) -> None:
        self.advancer.flush()  # or a timer does it, on a database that is gone
        self.broker.close()
        self.instances.close()
        self._definitions.close()


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes, *, event: str = "push", delivery: str | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers GitHub would send."""
    return {
        "User-Agent": "GitHub-Hookshot/1",
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid4()),
        "X-Hub-Signature-256": f"sha256={sign(body, secret)}",
    }


def push(after: str = "abcd1234", ref: str = "refs/heads/main", **more: Any) -> bytes:
    return json.dumps({"ref": ref, "after": after, **more}).encode()
