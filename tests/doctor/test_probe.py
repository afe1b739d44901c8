"""Code and commands in separate processes: crashes, hangs and errors become answers."""

from pathlib import Path

from fourlenses.doctor.probe import ask, run

SEGFAULT = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"


def test_a_crash_a_hang_and_an_error_are_answers() -> None:
    assert ask("def answer(x):\n    return [x, 1]", "a").value == ["a", 1]
    assert ask(SEGFAULT).error == "crashed with SIGSEGV"
    assert ask("import time\ntime.sleep(60)", timeout=0.5).error == "no answer within 0.5 s"
    error = "ModuleNotFoundError: No module named 'nonexistent_module'"
    assert ask("import nonexistent_module").error == error


def test_an_answer_before_a_crash_counts() -> None:
    code = (
        "import atexit, os, signal\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGSEGV))\n"
        "def answer():\n    return 7"
    )
    assert ask(code).value == 7


def test_a_hanging_command_is_ended_with_its_children(tmp_path: Path) -> None:
    ran = run(["sh", "-c", f"(sleep 2; touch {tmp_path}/late) & sleep 60"], timeout=0.5)
    assert (ran.code, ran.reason) == (None, "no answer within 0.5 s")
    assert run(["sh", "-c", "sleep 2.2"]).code == 0
    assert not (tmp_path / "late").exists()
    assert "cannot be started" in run(["no-such-command-here"]).reason
