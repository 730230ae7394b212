"""What is wrong with a file and where: the one form in which loader, linter, sync and tests say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, TypeAlias

from engine.core.values import JsonObject

Severity: TypeAlias = Literal["error", "warning", "info"]

_DESCRIBED = {"use_attribute_docstrings": True}
"""The published schema says of each key what its docstring says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A part of the file to put `text` in the place of. Lines and columns as in `Finding`."""

    __pydantic_config__: ClassVar = _DESCRIBED

    line: int
    """The line where the part begins."""
    column: int
    """The column where it begins."""
    end_line: int
    """The line where it ends."""
    end_column: int
    """The column behind its last character."""
    text: str
    """What to put there; empty to remove the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell the author of a file. Lines and columns are 1-based and count characters; the end is exclusive.

    An `error` keeps the workflow from being loaded; a `warning` and an `info` do not. `suggestion` is what was probably
    meant. `fixes`, made together, mend it; they are `safe` where the file means the same afterwards: `--fix` makes those.
    """

    __pydantic_config__: ClassVar = _DESCRIBED

    path: str
    """The file."""
    line: int
    """The line where the place begins."""
    column: int
    """The column where it begins."""
    end_line: int | None = None
    """The line where the place ends."""
    end_column: int | None = None
    """The column behind its last character."""
    severity: Severity = "error"
    """How bad it is; an error keeps the workflow from being loaded."""
    rule: str
    """The id of the rule that found it: `headrace rules ID` says why."""
    message: str
    """What is wrong."""
    suggestion: str | None = None
    """What was probably meant."""
    fixes: tuple[Edit, ...] = ()
    """Edits that, made together, mend it."""
    safe: bool = False
    """Whether the file means the same after the fixes: `--fix` makes those."""

    def __str__(self) -> str:
        return f"{printable(self.path)}:{self.line}:{self.column}: {self.severity}: {self.text} [{self.rule}]"

    def __lt__(self, other: Finding) -> bool:
        return self.place < other.place

    @property
    def place(self) -> tuple[str, int, int, str, str]:
        """What findings are ordered by: file, line, column, then the rule and its words."""
        return self.path, self.line, self.column, self.rule, self.message

    @property
    def text(self) -> str:
        """The message with its suggestion, on one line, whatever the author's words in it."""
        return printable(f'{self.message}; did you mean "{self.suggestion}"?' if self.suggestion else self.message)

    def to_json(self) -> JsonObject:
        """The form of reports and of the definitions DB (`schemas/finding.schema.json`)."""
        return {**asdict(self), "fixes": [asdict(edit) for edit in self.fixes]}

    @classmethod
    def from_json(cls, document: JsonObject) -> Finding:
        """Read `to_json`'s form back. Raises TypeError on keys that do not belong."""
        return cls(**{**document, "fixes": tuple(Edit(**edit) for edit in document.get("fixes", ()))})


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file and place, each once."""
    return tuple(sorted(set(findings)))


def printable(text: str) -> str:
    """Without what a terminal would obey or XML cannot hold: control characters, turned directions, broken names."""
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in text)
