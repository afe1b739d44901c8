"""The version of the code: of all files that decide what a training gives, and of no others."""

import subprocess
import sys
from pathlib import Path

import fourlenses
from fourlenses.resume import code_version as source_code


def test_the_code_version_is_of_all_that_a_training_runs():
    program = (
        "import sys, fourlenses.training.pretrain, fourlenses.core.cli\n"
        "import fourlenses.evaluation.finetuning.evaluate\n"
        "import fourlenses.evaluation.finetuning.record\n"
        "import fourlenses.data.loading.streaming\n"
        "files = (getattr(module, '__file__', None) or '' for module in sys.modules.values())\n"
        "print('\\n'.join(files))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    package = Path(fourlenses.__file__).parent
    modules = [
        Path(line).relative_to(package)
        for line in result.stdout.splitlines()
        if line.startswith(f"{package}/")
    ]
    assert len(modules) > 50
    assert {file.parts[0] for file in modules if len(file.parts) > 1} <= set(source_code.PACKAGES)


def test_the_code_version_changes_with_any_file_that_counts(tmp_path, monkeypatch):
    for name in ("__init__.py", "methods/simclr.py", "data/sources/wordnet.py", "lenses/domain.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(fourlenses, "__file__", str(tmp_path / "__init__.py"))

    def version() -> str:
        source_code.code_version.cache_clear()
        return source_code.code_version()["code_sha256"]

    versions = [version()]
    (tmp_path / "lenses/domain.py").write_text("x = 2\n")
    assert version() == versions[0]
    (tmp_path / "methods/simclr.py").write_text("x = 2\n")
    versions.append(version())
    (tmp_path / "data/sources/wordnet.py").rename(tmp_path / "data/wordnet.py")
    versions.append(version())
    (tmp_path / "randomness.py").write_text("")
    versions.append(version())
    (tmp_path / "data/views.c").write_text("int x;\n")
    versions.append(version())
    assert len(set(versions)) == 5
    source_code.code_version.cache_clear()
