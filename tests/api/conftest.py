"""Fixtures of this folder."""

from tests.web.fixtures import client, small_client, small_world, stage, world

__all__ = ["client", "small_client", "small_world", "stage", "world"]
