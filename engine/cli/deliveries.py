"""`headrace deliveries` and `headrace deliver`: what webhooks brought, and a signed call by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import AsJson, emit_fields, emit_json, emit_table, moment

if TYPE_CHECKING:
    from engine.core.project import WebhookSource


def register(app: typer.Typer) -> None:
    """Add `deliveries` and `deliver`."""
    app.command("deliveries", rich_help_panel="Operate")(deliveries)
    app.command("deliver", rich_help_panel="Write workflows")(deliver)


def deliveries(
    delivery: Annotated[str | None, typer.Argument(help="Id of one delivery, to see all of it.")] = None,
    source: Annotated[str | None, typer.Option(help="Only those of this webhook source.")] = None,
    state: Annotated[str | None, typer.Option(help="received, started, ignored or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """Show webhook calls: what they started, or why they started nothing."""
    from engine.cli.client import Api

    if delivery:
        found = Api().get("deliveries", delivery)
        emit_json(found) if as_json else emit_fields(found)
        return
    page = Api().get("deliveries", source=source, state=state, limit=limit)
    if as_json:
        emit_json(page)
        return
    rows = [
        (row["id"], moment(row["received_at"]), row["source"], row["event"], row["state"], outcome(row))
        for row in page["items"]
    ]
    emit_table(("ID", "RECEIVED", "SOURCE", "EVENT", "STATE", "OUTCOME"), rows, empty="No deliveries.")


def deliver(
    source: Annotated[str, typer.Argument(help="Webhook source in project.yaml.")],
    body: Annotated[Path, typer.Argument(help="A file with the JSON body.", exists=True, dir_okay=False)],
    event: Annotated[str, typer.Option(help="The event's name.")] = "push",
    project: Annotated[
        Path, typer.Option(help="The project.yaml that declares the source.", exists=True, dir_okay=False)
    ] = Path("workflows/project.yaml"),
    url: Annotated[str, typer.Option(help="The webhooks process. Default: HEADRACE_PUBLIC_URL.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Send a signed webhook as its source would, to try a trigger. The secret is read like the server does."""
    import os

    import httpx

    from engine.adapters.secrets import SecretStore
    from engine.config import load
    from engine.errors import Rejected, Unavailable

    config = load()
    declared = _source(project, source)
    secret = SecretStore(config.secrets_dir or str(config.state_dir / "secrets"), os.environ).get(declared.secrets[0])
    data = body.read_bytes()
    target = f"{(url or config.public).rstrip('/')}/hooks/{source}"
    headers = {"Content-Type": "application/json", **_signed(declared, secret, event, data)}
    try:
        response = httpx.post(target, content=data, headers=headers, timeout=30, trust_env=False)
        answer = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(
            target, f"{error or type(error).__name__}; is it running? (`headrace dev`, or --url)"
        ) from None
    if not response.is_success:
        raise Rejected(answer.get("detail", f"{target} answered {response.status_code}"))
    emit_json(answer) if as_json else emit_fields(answer)


def _signed(source: WebhookSource, secret: str, event: str, body: bytes) -> dict[str, str]:
    """The headers by which the source's calls are known."""
    import hashlib
    import hmac

    from uuid_utils import uuid4

    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if source.provider == "github":
        names, prefix = ("X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"), "sha256="
    else:
        names, prefix = (source.event_header, source.id_header, source.signature_header), source.prefix
    return dict(zip(names, (event, str(uuid4()), prefix + digest), strict=True))


def _source(path: Path, name: str) -> WebhookSource:
    from engine.errors import NotFound
    from engine.spec.load import load as load_files

    declared = load_files({str(path): path.read_bytes()}).project.webhooks.get(name)
    if declared is None:
        raise NotFound(f"webhook source in {path} named", name)
    return declared


def outcome(row: dict[str, object]) -> str:
    """What each workflow made of a delivery or an event."""
    verdicts = row.get("verdicts")
    if not isinstance(verdicts, list) or not verdicts:
        return str(row.get("reason") or "")
    return "; ".join(f"{verdict['workflow']}: {verdict['instance'] or verdict['reason']}" for verdict in verdicts)
