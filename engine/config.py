"""Settings: environment variables that start with HEADRACE_, one dataclass, every one documented in docs/operations.md."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import Misconfigured

PREFIX = "HEADRACE_"
SECRET_PREFIX = f"{PREFIX}SECRET_"
"""What starts the names of secrets in the environment, which are no settings."""
LAST_PORT = 65_535
_POSITIVE = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *("POLL", "LEASE", "TASK_THREADS", "RETENTION_DAYS"),
        *("ARTIFACT_MAX_FILE", "ARTIFACT_MAX_INSTANCE", "OUTPUT_MAX", "OUTPUT_MAX_INSTANCE"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of all processes. A field `api_port` is the variable HEADRACE_API_PORT. Durations in seconds."""

    state_dir: Path = Path(".headrace")
    """Where SQLite files, the bare copies of repositories and `dev`'s secrets live."""
    instances_url: str = ""
    """`sqlite:///PATH` or `postgresql+psycopg://…`; empty: instances.db in the state directory."""
    definitions_url: str = ""
    """As above; empty: definitions.db in the state directory."""
    broker_url: str = "memory://"
    """`memory://` (one process) or `redis://…`."""
    api_host: str = "127.0.0.1"
    api_port: int = 8080
    api_token: str = ""
    """Bearer token of the API and the pages; required unless api_host is a loopback address."""
    api_url: str = "http://127.0.0.1:8080"
    """Where the command line finds the API."""
    webhooks_host: str = "127.0.0.1"
    webhooks_port: int = 8081
    webhooks_metrics_host: str = "127.0.0.1"
    webhooks_metrics_port: int = 0
    """Where the webhooks process shows its metrics; 0, when it is not set: nowhere."""
    public_url: str = ""
    """How people reach the webhooks process: the start of approval links; empty: http://webhooks_host:webhooks_port."""
    repo: str = ""
    """Path or URL of the git repository with the workflows."""
    branch: str = ""
    """Branch to follow; empty: the remote's default."""
    folder: str = "workflows"
    """Folder in the repository that holds project.yaml and the workflows."""
    poll: float = 30.0
    """Seconds between two looks at the repository."""
    smtp_url: str = ""
    """`smtp://USER:PASSWORD@HOST:PORT`, `smtps://…` or `smtp+starttls://…`; empty: people are asked through the log."""
    mail_from: str = "headrace@localhost"
    secrets_dir: str = ""
    """A folder with a file per secret; secrets are looked for there, then in HEADRACE_SECRET_<NAME>."""
    task_threads: int = 8
    """Tasks that one task worker runs at a time."""
    queues: str = ""
    """Comma-separated task queues that a task worker reads; empty: `tasks`, and of `worker` and `dev` all in use."""
    lease: float = 30.0
    """Seconds after which a silent task worker is taken for dead."""
    http_allow: str = ""
    """Comma-separated hosts, addresses or networks that `http` tasks may reach although they are private."""
    http_ports: str = ""
    """Comma-separated ports that `http` tasks may reach beside 80 and 443."""
    retention_days: float = 90
    """Days that ended instances, deliveries and events are kept, an hour at least."""
    retention_count: int = 0
    """Instances that are kept of each workflow; older ones go once they have ended. 0: any number, as long as their time."""
    artifacts: str = ""
    """`file:///FOLDER` or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`; empty: `artifacts` in the state directory."""
    artifact_max_file: int = 100 * 1024 * 1024
    """Bytes that one file between tasks may have."""
    artifact_max_instance: int = 1024 * 1024 * 1024
    """Bytes that all files of one instance may have."""
    output_max: int = 1024 * 1024
    """Bytes that one output of a task may have, as JSON."""
    output_max_instance: int = 64 * 1024 * 1024
    """Bytes that all large outputs of one instance may have."""
    container_command: str = ""
    """What runs containers; empty: `docker` or `podman`, whichever is found first."""
    log_level: str = "info"
    log_format: str = "console"
    """`console` or `json`."""
    dev: bool = False
    """Set by `headrace dev`: approval links stand for their person, and are printed."""

    @property
    def instances(self) -> str:
        """The instances DB's URL."""
        return self.instances_url or f"sqlite:///{self.state_dir / 'instances.db'}"

    @property
    def definitions(self) -> str:
        """The definitions DB's URL."""
        return self.definitions_url or f"sqlite:///{self.state_dir / 'definitions.db'}"

    @property
    def artifact_store(self) -> str:
        """The URL of the store of files."""
        return self.artifacts or (self.state_dir.absolute() / "artifacts").as_uri()

    @property
    def task_queues(self) -> tuple[str, ...]:
        """The names in `queues`."""
        return tuple(dict.fromkeys(name for word in self.queues.split(",") if (name := word.strip())))

    @property
    def public(self) -> str:
        """The start of links that people get, without a trailing slash."""
        return (self.public_url or f"http://{self.webhooks_host}:{self.webhooks_port}").rstrip("/")


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises Misconfigured for a value that cannot be read or makes no sense."""
    environment = os.environ if environment is None else environment
    known = {PREFIX + field.name.upper(): field for field in fields(Config)}
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in environment:
            values[field.name] = _read(name, str(field.type), environment[name])
            _hold(name, values[field.name])
    return Config(**values)


def unknown(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names that look like settings and are none, with the setting that was meant, or "": a slip that nothing else tells."""
    environment = os.environ if environment is None else environment
    known = {PREFIX + field.name.upper() for field in fields(Config)}
    strange = {name for name in environment if name.startswith(PREFIX) and not name.startswith(SECRET_PREFIX)} - known
    return {name: next(iter(get_close_matches(name, known, 1)), "") for name in sorted(strange)}


def _hold(name: str, value: Any) -> None:
    """Raises Misconfigured."""
    if name.endswith("_PORT") and not 1 <= value <= LAST_PORT:
        raise Misconfigured(name, f"{value} is no port: 1 to {LAST_PORT}")
    if name in _POSITIVE and not 0 < value < math.inf:
        raise Misconfigured(name, f"{value} is not above zero")
    if name == f"{PREFIX}RETENTION_COUNT" and value < 0:
        raise Misconfigured(name, f"{value} is below zero")
    if name.endswith("_TOKEN") and not (value.isascii() and value.isprintable()):
        raise Misconfigured(name, "holds characters that no header can carry: use printable ASCII")


def _read(name: str, kind: str, text: str) -> Any:
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except (ValueError, KeyError):
        raise Misconfigured(name, f"{text!r} is not {'true or false' if kind == 'bool' else 'a number'}") from None
    return Path(text) if kind == "Path" else text
