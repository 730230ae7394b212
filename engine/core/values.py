"""What a JSON value is here, in one place."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""null, bool, 64-bit int, double, string, list or map with string keys."""

JsonObject: TypeAlias = dict[str, Any]
"""A JSON map with string keys."""
