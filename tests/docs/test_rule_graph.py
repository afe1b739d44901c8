"""The picture of the rules in the guide is Snakemake's."""

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[2] / "docs" / "reference" / "rules.py"


def test_the_picture_has_the_rules_as_they_are():
    """After a change of rules: python docs/reference/rules.py."""
    spec = importlib.util.spec_from_file_location("rules", FILE)
    rules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rules)
    assert rules.DRAWING.read_text(encoding="utf-8") == rules.drawing()
