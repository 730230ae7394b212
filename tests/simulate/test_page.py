"""docs/howto/testing.md tells of every key of a test file, and of every finding that only test files have."""

from __future__ import annotations

import re

import pytest

from engine.spec import case_models
from engine.spec.fields import Shape
from tests.simulate.playing import ROOT

PAGE = (ROOT / "docs" / "howto" / "testing.md").read_text()
MODELS = [
    model
    for model in vars(case_models).values()
    if isinstance(model, type) and issubclass(model, Shape) and model.__module__ == case_models.__name__
]
KEYS = sorted({(model.__name__, field) for model in MODELS for field in model.model_fields})


@pytest.mark.parametrize(("model", "key"), KEYS)
def test_every_key_is_told_of(model, key):
    assert re.search(rf"[`{{ ]{key}[`:,}}]", PAGE), key


@pytest.mark.parametrize("rule", ["unknown-task", "needless-mock"])
def test_every_finding_is_told_of(rule):
    assert f"`{rule}`" in PAGE
