"""Writes values as YAML in every way that authors find: any indentation, quotes, flow or block, comments and empty lines."""

from __future__ import annotations

import json
import re
from random import Random

from engine.spec.formatting.order import ITEM, ROOT, UNDO, place
from engine.spec.resolve import OutOfRange, resolve

WORDS = ("why", "not so", "a: b", "- x", "{x}", "headrace: ignore[unused-input] later", "'", '"', "#")
PLAIN = re.compile(r"[A-Za-z0-9_./$(-][A-Za-z0-9_ ./$()'!=<>+*-]*")
FAR = 60
"""Columns that no block is further in: the lines of flow collections begin there."""


class Messy:
    """A writer that draws how it writes. `remarks`: how likely a comment stands where one may."""

    def __init__(self, random: Random, *, remarks: float = 0.15) -> None:
        self._random = random
        self._remarks = remarks

    def file(self, value: object) -> str:
        lines = [*self._above(0), *self._block(value, 0, ()), *self._above(0)]
        return self._random.choice(("\n", "\n", "\r\n")).join([*lines, ""])

    def _block(self, value: object, indent: int, path: tuple[str, ...]) -> list[str]:
        lines = []
        step = self._random.choice((1, 2, 2, 3, 4))
        parts = self._shuffled(value, path) if isinstance(value, dict) else [("", item) for item in value]
        for key, part in parts:
            sign = f"{self._key(key)}:" if isinstance(value, dict) else "-"
            lines += self._above(indent)
            lines += self._part(sign, part, indent, step, (*path, key))
        return lines

    def _part(self, sign: str, part: object, indent: int, step: int, path: tuple[str, ...]) -> list[str]:
        space = " " * indent
        if isinstance(part, dict | list) and part and self._random.random() < 0.6:
            if sign == "-" and self._random.random() < 0.7:
                inner = self._block(part, indent + 2, path)
                if inner[0].strip() and not inner[0].strip().startswith("#"):
                    return [f"{space}- {inner[0].strip()}", *inner[1:]]
                return [f"{space}-", *inner]
            same = sign != "-" and isinstance(part, list) and self._random.random() < 0.3
            return [space + sign + self._behind(), *self._block(part, indent + (0 if same else step), path)]
        if isinstance(part, dict | list):
            return (f"{space}{sign} {self._flow(part)}" + self._behind()).split("\n")
        if isinstance(part, str) and "\n" in part.strip("\n") and (block := self._literal(part, indent + step)):
            return [f"{space}{sign} {block[0]}", *block[1:]]
        if part is None and self._random.random() < 0.5:
            return [space + sign + self._behind()]
        text = self._scalar(part, flow=False)
        if self._random.random() < 0.1:
            return [space + sign + self._behind(), " " * (indent + step) + text + self._behind()]
        return [f"{space}{sign} {text}" + self._behind()]

    def _shuffled(self, value: dict[str, object], path: tuple[str, ...]) -> list[tuple[str, object]]:
        """The keys whose order means nothing in any order."""
        parts = list(value.items())
        if place(path) in (ROOT, ITEM, UNDO):
            self._random.shuffle(parts)
        return parts

    def _flow(self, value: object) -> str:
        if not isinstance(value, dict | list):
            return self._scalar(value, flow=True)
        comma = self._random.choice((", ", ",", " ,  ", f",\n{' ' * FAR}"))
        if self._random.random() < self._remarks / 4:
            comma = f", # {self._random.choice(WORDS)}\n{' ' * FAR}"
        if isinstance(value, list):
            return f"[{comma.join(map(self._flow, value))}]"
        return "{" + comma.join(f"{self._key(key)}: {self._flow(part)}" for key, part in value.items()) + "}"

    def _key(self, key: str) -> str:
        return self._scalar(key, flow=True) if not PLAIN.fullmatch(key) or self._random.random() < 0.1 else key

    def _scalar(self, value: object, *, flow: bool) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        ways = [json.dumps(value, ensure_ascii=False)]
        if value.isprintable():
            ways.append("'" + value.replace("'", "''") + "'")
        loose = not flow and value[:1].isalnum() and value.isprintable() and not re.search(r": |:$| #|\s$", value)
        if (loose or PLAIN.fullmatch(value)) and value[:1] != "-" and value.strip() == value and _is_text(value):
            ways += [value, value]
        return self._random.choice(ways)

    def _literal(self, value: str, indent: int) -> list[str]:
        body = value.removesuffix("\n")
        if value.endswith("\n\n") or value[:1] in " \n" or not re.fullmatch(r"[ -~\n]+", value):
            return []
        chomp = "" if value.endswith("\n") else "-"
        return [f"|{chomp}", *(" " * indent + line if line else "" for line in body.split("\n"))]

    def _above(self, indent: int) -> list[str]:
        lines = [""] * (self._random.random() < 0.2) * self._random.choice((1, 2))
        while self._random.random() < self._remarks:
            lines.append(" " * indent + f"# {self._random.choice(WORDS)}")
            lines += [""] * (self._random.random() < 0.2)
        return lines

    def _behind(self) -> str:
        if self._random.random() < self._remarks:
            return " " * self._random.choice((1, 2, 9)) + f"#{self._random.choice(WORDS)}"
        return self._random.choice(("", "", "", "  "))


def _is_text(value: str) -> bool:
    """Whether it is text without quotes too."""
    try:
        return resolve(value) == value
    except OutOfRange:
        return False
