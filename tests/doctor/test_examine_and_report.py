"""All checks in order, and the report of their results."""

import json
from dataclasses import replace
from pathlib import Path

from fourlenses.doctor import examine
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.report import as_json, lines, summary

ROOT = Path(__file__).parents[2]


def test_a_check_that_breaks_is_a_line_and_the_others_continue(monkeypatch, tmp_path: Path) -> None:
    def broken():
        raise RuntimeError("boom")

    for name in ("check_image_libraries", "check_snakemake"):
        monkeypatch.setattr(examine, name, lambda: [])
    monkeypatch.setattr(examine, "check_torch", broken)
    results = list(examine.examine(ROOT, tmp_path, profile_folders=[], in_job=False))
    messages = {result.check: result.message for result in results}
    assert messages["doctor"] == "a check itself failed: RuntimeError: boom"
    assert {"Python", "SLURM", "data/ space", "memory"} <= set(messages)


def test_the_report() -> None:
    bad = CheckResult("torch", FAIL, "crashed with SIGSEGV", remedy="run make setup")
    assert lines(bad, False).splitlines() == [
        "fail  torch                   crashed with SIGSEGV",
        " " * 30 + "do: run make setup",
    ]
    assert lines(bad, True).startswith("\033[31m")
    assert json.loads(as_json([bad]))["fit"] is False
    results = [CheckResult("a", OK, "b"), CheckResult("c", WARN, "d", remedy="e")]
    assert summary(results).startswith("1 ok, 1 warn, 0 fail; next: make demo ")
    assert summary([replace(results[0], status=FAIL)]) == "0 ok, 0 warn, 1 fail"
    assert json.loads(as_json(results)) == {
        "fit": True,
        "findings": [
            {"check": "a", "status": "ok", "found": "b", "remedy": ""},
            {"check": "c", "status": "warn", "found": "d", "remedy": "e"},
        ],
    }
