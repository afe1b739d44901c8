"""What the Snakefile imports in every job has to be light."""

import json
import subprocess
import sys

HEAVY = {"torch", "pandas", "numpy", "matplotlib", "ffcv", "scipy"}


def imported_by(code: str) -> set[str]:
    program = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout))


def test_plans_of_all_lenses_import_no_heavy_library():
    modules = imported_by(
        "from fourlenses.config.read import read_config\n"
        "from fourlenses.lenses.plan import make_plan\n"
        "make_plan(read_config([]))"
    )
    assert {f"fourlenses.lenses.{lens}.plan" for lens in ("quantity", "granularity")} <= modules
    assert not HEAVY & modules


def test_captions_import_no_heavy_library():
    assert not HEAVY & imported_by("import fourlenses.lenses.captions")


def test_a_study_knows_nothing_of_lenses():
    modules = imported_by("import fourlenses.study")
    assert not [name for name in modules if name.startswith("fourlenses.lenses")]
