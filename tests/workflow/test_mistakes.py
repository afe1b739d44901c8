"""Mistakes that users make: each ends in one sentence that says what to do, and it stands last.

Through `workflow_scripts/run_study.py`, which `make run` calls, and through Snakemake itself where
the mistake is one that its own command can have.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
MINE = "study: mine\n"
DATASET = "datasets:\n  birds: {source: image_folder, path: birds}\n"

# name of the mistake: the study's file, and the sentence
IN_A_CONFIG = {
    "typo in a key": (
        f"{MINE}image_sise: 32\n",
        r"mine.yaml: unknown key 'image_sise' \(did you mean 'image_size'\?\); allowed here: .*",
    ),
    "typo in a nested key": (
        f"{MINE}training: {{precison: float32}}\n",
        r"mine.yaml: unknown key 'training.precison' \(did you mean 'precision'\?\); .*",
    ),
    "unknown lens": (
        f"{MINE}lenses: [quantty]\n",
        r"mine.yaml: key 'lenses.0' is 'quantty' \(did you mean 'quantity'\?\); allowed: .*",
    ),
    "unknown backbone": (
        f"{MINE}backbone: resnet_smal\n",
        r"mine.yaml: key 'backbone' is 'resnet_smal' \(did you mean 'resnet_small'\?\); .*",
    ),
    "unknown dataset": (
        f"{MINE}quantity: {{datasets: [landcoverr]}}\n",
        r".*'landcoverr'.*landcover.*",
    ),
    "more labels than images": (
        f"{MINE}quantity: {{datasets: [scenes], labelled_images: [4000]}}\n",
        r".*4,?000.*3,?000.*",
    ),
    "zero seeds": (f"{MINE}seeds: []\n", r"mine.yaml: key 'seeds' is \[\]; allowed: a list of .*"),
    "a word for a number": (
        f"{MINE}methods:\n  simclr: {{epochs: two}}\n",
        r"mine.yaml: key 'methods.simclr.epochs' is 'two'; allowed: a number",
    ),
    "a name that config.yaml has": (
        f"{MINE}datasets:\n  objects: {{source: image_folder, path: here}}\n",
        r"mine.yaml: dataset 'objects' \(source image_folder\) has the name of one that "
        r".*config.yaml defines \(source synthetic\); choose another name",
    ),
    "more pixels than are stored": (
        f"{MINE}image_size: 64\n",
        r"mine.yaml: key 'image_size' is 64, more than stored_size \(32\), .*",
    ),
}
IN_A_FILE = {
    "a bracket that is not closed": (
        f"{MINE}lenses: [quantity\nseeds: [0]\n",
        r"mine.yaml:3:6: no YAML: .*; put that line right",
    ),
    "a tab": (
        f"{MINE}methods:\n\tsimclr: {{}}\n",
        r"mine.yaml:3:1: no YAML: .*\(indent with spaces, not with a tab\); put that line right",
    ),
    "no keys": ("- a\n- b\n", r"mine.yaml holds no keys, but list; a study is an overlay of .*"),
}


def call(*command, folder: Path) -> tuple[int, list[str]]:
    """The exit code, and the lines that a user sees."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


def run_study(folder: Path, *arguments) -> tuple[int, list[str]]:
    program = ROOT / "workflow_scripts" / "run_study.py"
    return call(sys.executable, program, *arguments, folder=folder)


def snakemake(folder: Path, *arguments) -> tuple[int, list[str]]:
    command = (SNAKEMAKE, "-s", ROOT / "Snakefile", "--directory", folder, "--cores", "1")
    return call(*command, *arguments, folder=folder)


@pytest.mark.parametrize("mistake", [*IN_A_CONFIG, *IN_A_FILE])
def test_a_study_with_a_mistake_ends_in_one_sentence(tmp_path, mistake):
    text, sentence = (IN_A_CONFIG | IN_A_FILE)[mistake]
    (tmp_path / "mine.yaml").write_text(text)
    code, lines = run_study(tmp_path, "--config", "mine.yaml")
    assert code == 2
    (said,) = lines  # nothing but the sentence
    assert re.fullmatch(f"fourlenses: .*{sentence}", said), said


def test_snakemake_itself_ends_in_the_sentence_alone(tmp_path):
    """As for `make run`, without the line of a rule file after it."""
    text, sentence = IN_A_CONFIG["more pixels than are stored"]
    (tmp_path / "mine.yaml").write_text(text)
    code, lines = snakemake(tmp_path, "-n", "--configfile", tmp_path / "mine.yaml")
    assert code != 0
    assert re.fullmatch(f"fourlenses: .*{sentence}", lines[-1]), lines
    assert not [line for line in lines if "common.smk" in line]


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    code, lines = run_study(tmp_path, "--config", "mne.yaml")
    assert code == 2
    assert lines == [
        f"fourlenses: there is no file mne.yaml (did you mean 'mine'?); looked for in {tmp_path}, "
        f"{ROOT}, {ROOT / 'studies'}"
    ]


def test_a_study_that_is_not_known(tmp_path):
    code, lines = run_study(tmp_path, "--study", "real_quik")
    assert code == 2
    assert lines[0].startswith(
        "fourlenses: unknown study 'real_quik' (did you mean 'real_quick'?); known: "
    )


def test_a_study_by_its_name_and_its_file(tmp_path):
    code, lines = run_study(tmp_path, "--study", "real_quick", "--config", "mine.yaml")
    assert (code, lines) == (
        2,
        ["fourlenses: both STUDY and CONFIG are given; leave one of them out"],
    )


def test_images_that_are_not_there_are_known_before_any_job(tmp_path):
    lens = "granularity: {datasets: [birds], methods: [simclr]}\n"
    text = f"{MINE}lenses: [granularity]\n{lens}{DATASET}raw_data: {tmp_path}\n"
    (tmp_path / "mine.yaml").write_text(text)
    expected = (
        f"fourlenses: config key 'datasets.birds.path' is 'birds', but there is no "
        f"{tmp_path / 'birds'}; correct it or raw_data ({tmp_path})"
    )
    options = ("betons", "--configfile", tmp_path / "mine.yaml")
    dry, lines = snakemake(tmp_path, "-n", *options)
    assert (dry, lines[-1]) == (0, expected)
    code, lines = snakemake(tmp_path, *options)
    assert (code, lines[-1]) == (2, expected)
    assert not [line for line in lines if re.match(r"Job \d", line)]


def test_a_misspelt_target(tmp_path):
    code, lines = snakemake(tmp_path, "figurs")
    assert code == 1
    assert lines[-1].startswith(
        "fourlenses: there is no target 'figurs' (did you mean 'figures'?); targets: all, betons, "
    )


def test_a_study_named_from_a_sub_folder(tmp_path):
    """`make -C` works in the project's folder, and says where it was started."""
    (tmp_path / "mine.yaml").write_text(f"{MINE}image_sise: 32\n")
    options = ("--config", "mine.yaml", "--started-in", tmp_path)
    code, lines = run_study(ROOT, *options)
    assert code == 2
    assert lines[0].startswith(f"fourlenses: {tmp_path / 'mine.yaml'}: unknown key 'image_sise'")


def test_no_environment_has_to_be_activated(tmp_path):
    command = ("make", "-n", "-C", ROOT, "run", "STUDY=real_quick")
    code, lines = call(*command, folder=tmp_path)
    assert code == 0
    (last,) = (line for line in lines if "run_study.py" in line)
    assert last.startswith(".venv/bin/python workflow_scripts/run_study.py --started-in")


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="there may be a GPU")
def test_a_gpu_that_is_not_there(tmp_path):
    """Known on the machine that computes; the sentence stands last, without the command."""
    (tmp_path / "mine.yaml").write_text(f"{MINE}device: cuda\n")
    encoder = "results/mine/pretrain/random/none/seed0/encoder.safetensors"
    code, lines = snakemake(tmp_path, encoder, "--configfile", tmp_path / "mine.yaml")
    assert code != 0
    assert lines[-1].startswith("fourlenses: config key 'device' is 'cuda', but torch ")
    assert lines[-1].endswith("; use auto or cpu")
    assert max(map(len, lines)) < 1000
    assert not [line for line in lines if "pretrain.py" in line]
