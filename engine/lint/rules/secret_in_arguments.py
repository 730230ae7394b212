"""Arguments and queries are shown to everybody who lists processes or keeps a log; variables and headers are not."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.model import Template, Text
from engine.core.expressions.reads import reads_secrets
from engine.lint.compiled import leaf_at, parameter
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.walk import every_leaf

_SHOWN = {"container": ("command", "args", "entrypoint", "image"), "http": ("url", "query")}
_INSTEAD = {"container": "pass it through `env`", "http": "send it in a header or the body"}


def check(subject: Subject) -> Iterator[Hit]:
    """Each secret in the words of a container's command or in the query of a request. The path of some URLs is the secret."""
    for path, keys in every_leaf(subject.keys):
        kind = keys.uses or ""
        for name in _SHOWN.get(kind, ()):
            template = parameter(leaf_at(subject.definition, path), name)
            if template is not None and reads_secrets(_query(template) if name == "url" else template):
                message = f"a secret in `{name}` can be seen by others; {_INSTEAD[kind]}"
                yield Hit(path=(*path, "with", name), message=message)


def _query(url: Template) -> Template:
    """What stands behind the `?` of a URL."""
    parts = url.parts if isinstance(url, Text) else ()
    begins = (index for index, part in enumerate(parts) if isinstance(part, str) and "?" in part)
    return Text(parts=parts[next(begins, len(parts)) :])


RULE = Rule(
    id="secret-in-arguments",
    summary="A secret stands in a command's arguments or in the query of a URL.",
    severity="warning",
    why=(
        "Everybody on the machine sees the arguments of a process, and servers and proxies write queries to their logs. "
        "The environment of a process, and the headers and body of a request, are kept to themselves."
    ),
    before="""\
name: bad
tasks:
  push: {uses: container, with: {image: "pusher:2", args: ["--token=${{ secrets.DEPLOY_TOKEN }}"]}}
  tell: {uses: http, with: {url: "https://example.com/done", query: {token: "${{ secrets.DEPLOY_TOKEN }}"}}}
""",
    after="""\
name: good
tasks:
  push: {uses: container, with: {image: "pusher:2"}, env: {TOKEN: "${{ secrets.DEPLOY_TOKEN }}"}}
  tell: {uses: http, with: {url: "https://example.com/done", headers: {Authorization: "Bearer ${{ secrets.DEPLOY_TOKEN }}"}}}
""",
    check=check,
)
