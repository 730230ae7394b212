"""Finds the values of secrets: in a folder with a file per secret (as container platforms mount them), then in the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from engine.errors import NotFound, Unavailable

PREFIX = "HEADRACE_SECRET_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


class SecretStore:
    """Secrets of this machine, read at each use so that a rotated one counts at once. `folder` empty: only the environment."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self._folder = Path(folder) if folder else None
        self._environment = environment

    def get(self, name: str) -> str:
        """The value, without the line break that editors leave at the end of a file. An empty one counts as missing.

        Raises NotFound, Unavailable (the file cannot be read).
        """
        if not _NAME.fullmatch(name):
            raise NotFound("secret that could be named", name)
        value = self._from_file(name) or self._environment.get(self._variable(name), "")
        if not value:
            raise NotFound(f"{self._places(name)} with the secret", name)
        return value

    def _from_file(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return (self._folder / name).read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"the file of the secret {name!r}", type(error).__name__) from None

    def _variable(self, name: str) -> str:
        return PREFIX + re.sub("[.-]", "_", name).upper()

    def _places(self, name: str) -> str:
        variable = f"variable {self._variable(name)}"
        return variable if self._folder is None else f"file {self._folder / name} and no {variable}"
