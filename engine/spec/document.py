"""Reads the bytes of one YAML file into a tree with positions, or says why not."""

from __future__ import annotations

import codecs

import yaml

from engine.spec.builder import build
from engine.spec.findings import Finding
from engine.spec.limits import MAX_BYTES, Refused
from engine.spec.nodes import Document, Span, Text


def read(path: str, data: bytes) -> Document | list[Finding]:
    """The document in `data`, or the findings that refuse it. Never raises, whatever the bytes.

    `path` only names the file in findings. Time and memory are bounded (`engine.spec.limits`).
    """
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        return [Text(path, "").finding(Span(start=0, end=0), "yaml-limits", message)]
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        source = Text(path, data[: error.start].decode())
        end = len(source.text)
        return [source.finding(Span(start=end, end=end), "yaml-encoding", "the file is not valid UTF-8")]
    source = Text(path, text)
    try:
        return Document(source=source, root=build(text))
    except Refused as refused:
        return [source.finding(refused.span, refused.rule, refused.message)]
    except yaml.YAMLError as error:
        return [_syntax(source, error)]


def _syntax(source: Text, error: yaml.YAMLError) -> Finding:
    offset = 0
    message = "this is not valid YAML"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        offset = mark.index if mark else 0
        message = ", ".join(part for part in (error.problem, error.context) if part)
    elif isinstance(error, yaml.reader.ReaderError):
        offset = error.position if isinstance(error.position, int) else 0
        message = f"the file holds a character that YAML does not allow ({error.reason})"
    offset = min(offset, len(source.text))
    return source.finding(Span(start=offset, end=offset), "yaml-syntax", message)
