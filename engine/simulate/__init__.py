"""Workflows on a virtual clock: the engine's own core, a world made of mocks, and nothing real (LANGUAGE, "Tests of workflows")."""
