"""Logs of the processes: structlog to standard error, for people on a terminal or as one JSON object a line."""

from __future__ import annotations

import logging
import sys
from typing import Protocol

import structlog

from engine.config import Config
from engine.errors import Misconfigured

_QUIET = ("httpx", "httpcore", "uvicorn", "dramatiq", "alembic", "asyncio")
"""Libraries whose routine messages would bury ours; their warnings still show."""


class Stream(Protocol):
    """Where a log goes."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


def configure(config: Config, stream: Stream | None = None) -> None:
    """Set up logging once per process, to standard error unless told. Raises Misconfigured for an unknown level or format."""
    level = logging.getLevelNamesMapping().get(config.log_level.upper())
    if level is None:
        raise Misconfigured(
            "HEADRACE_LOG_LEVEL", f"{config.log_level!r} is no level; try debug, info, warning or error"
        )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderers: dict[str, list[structlog.typing.Processor]] = {
        "console": [
            structlog.dev.ConsoleRenderer(
                colors=stream is None and sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
                sort_keys=False,  # as they were given: what somebody looks for comes first
                pad_event_to=0,
            )
        ],
        "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    }
    if config.log_format not in renderers:
        raise Misconfigured("HEADRACE_LOG_FORMAT", f"{config.log_format!r} is no format; try console or json")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers[config.log_format]],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
