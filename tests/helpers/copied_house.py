"""A copy of the project, to be changed as a contributor would, and what was touched in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = (
    "src",
    "presets",
    "schemas",
    "config.yaml",
    "docs/reference",
    "tests/study/test_vocabulary.py",
)

# for proofs: a study's plan, made in the copy
PLAN = '''
from pathlib import Path

import yaml

from fourlenses.config.read import read_config
from fourlenses.lenses.plan import make_plan


def plan_of(overlay):
    """Return config and plan of a study that differs from the default one by ``overlay``."""
    root = Path(__file__).parents[1]
    file = root / "study.yaml"
    file.write_text(yaml.safe_dump({"study": "toy", **overlay}))
    config = read_config([file], root)
    return config, make_plan(config)
'''


def touch_list(task: str) -> list[str]:
    """Return the files that CONTRIBUTING.md lists under a heading: `A method`."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = re.search(rf"^### {re.escape(task)}\n(.*?)(?=^##)", page, re.DOTALL | re.MULTILINE)
    assert section, f"CONTRIBUTING.md has no heading {task!r}"
    return re.findall(r"^\| `([^`]+)` \|", section[1], re.MULTILINE)


class CopiedHouse:
    """The folders of the project that a contributor touches, copied to ``root``.

    Args:
        touched: paths added or changed, relative to the project.
    """

    def __init__(self, root: Path):
        self.root = root
        self.touched: set[str] = set()
        for name in COPIED:
            source, target = ROOT / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg*")
                )
            else:
                shutil.copy(source, target)

    def add(self, path: str, text: str) -> None:
        """Write a new file."""
        file = self.root / path
        assert not file.exists(), f"{path} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.touched.add(path)

    def insert(self, path: str, before: str, text: str) -> None:
        """Insert lines before the first line that contains ``before``, indented like it."""
        file = self.root / path
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        at = next((number for number, line in enumerate(lines) if before in line), None)
        assert at is not None, f"{path} has no line with {before!r}"
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, "".join(f"{indent}{line}\n" for line in text.splitlines()))
        file.write_text("".join(lines), encoding="utf-8")
        self.touched.add(path)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace the first ``old`` of a file."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.touched.add(path)

    def check(self, task: str, name: str, proof: str) -> None:
        """Hold what was touched to CONTRIBUTING.md, and run the vocabulary's test and ``proof``.

        Args:
            task: heading in CONTRIBUTING.md.
            name: what `<name>` stands for in its list.
            proof: a test module, run inside the copy.
        """
        listed = [path.replace("<name>", name) for path in touch_list(task)]
        assert sorted(self.touched) == sorted(listed)
        proof_file = self.root / "tests" / "test_proof.py"
        proof_file.write_text(proof, encoding="utf-8")
        plain = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(self.root)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plain, str(self.root / "tests")],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root / "src")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
