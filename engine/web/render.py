"""Templates to answers. Everything a template shows is escaped; what is markup already says so by its type."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from engine.core.values import Json, JsonObject
from engine.web import states, task_words, times

if TYPE_CHECKING:
    import jinja2

STATIC = "/static"


def page(template: str, values: Mapping[str, Any], *, status: int = 200) -> Response:
    """A page from a template."""
    return HTMLResponse(environment().get_template(template).render(values, now=now()), status)


def error_page(problem: JsonObject, answer: Response, *, home: bool) -> Response:
    """What a person sees instead of a problem document; status and headers are those of `answer`."""
    shown = page(error_template(home=home), {"problem": problem}, status=answer.status_code)
    for name, value in answer.headers.items():
        if name not in {"content-type", "content-length"}:
            shown.headers[name] = value
    return shown


def error_template(*, home: bool) -> str:
    """With the way back into the pages, where there are pages and the visitor may see them."""
    return "error.html" if home else "error_alone.html"


KIB = 1024


def now() -> int:
    """What the pages call now, in milliseconds; good enough to say how long ago something was."""
    return int(time.time() * 1000)


@functools.cache
def environment() -> jinja2.Environment:
    """The one Jinja environment: names that do not exist are errors, not empty places."""
    import jinja2  # for those who look at pages

    found = jinja2.Environment(
        loader=jinja2.PackageLoader("engine.web", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        tone=states.tone,
        sign=states.sign,
        words=states.words,
        instant=times.instant,
        absolute=times.absolute,
        relative=times.relative,
        duration=times.duration,
        bytes=size,
        pretty=pretty,
        short=short,
        sentence=sentence,
        anchor=anchor,
        wrap=breakable,
        why_skipped=task_words.why_skipped,
        body_words=task_words.body_words,
    )
    found.tests["starts_open"] = task_words.starts_open
    found.globals["static"] = static
    return found


def pretty(value: Json) -> str:
    """A JSON value as people read it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def size(count: int) -> str:
    """`0 B`, `1.5 KiB`, `100 MiB`."""
    amount, unit = float(count), "B"
    for bigger in ("KiB", "MiB", "GiB"):
        if amount < KIB:
            break
        amount, unit = amount / KIB, bigger
    return f"{amount:.3g} {unit}"


def short(name: str) -> str:
    """The start of a commit."""
    return name[:8]


def sentence(text: str) -> str:
    """A detail of an error as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def anchor(path: str) -> str:
    """A task's path as an element's id."""
    return "task-" + "".join(letter if letter.isalnum() else "-" for letter in path)


def breakable(text: str) -> Markup:
    """Text with places where a long name may go on in the next line."""
    return Markup("").join(
        Markup("{}<wbr>").format(letter) if letter in "/_-.:[]@" else escape(letter) for letter in text
    )


@functools.cache
def static(name: str) -> str:
    """The address of a static file, with its content's digest: it may be kept for ever."""
    content = (resources.files("engine.web") / "static" / name).read_bytes()
    return f"{STATIC}/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
