"""The SLURM profiles without a SLURM: what jobs would ask for, and what is said before anything is submitted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NAMES = {
    "FOURLENSES_ACCOUNT": "lab",
    "FOURLENSES_CPU_PARTITION": "short",
    "FOURLENSES_GPU_PARTITION": "gpu-long",
    "FOURLENSES_GPU_MODEL": "a100",
}


def dry_run(
    folder: Path,
    profile: str,
    names: dict,
    target: str = "all",
    config: Path = ROOT / "config.yaml",
) -> str:
    command = [
        Path(sys.executable).with_name("snakemake"),
        target,
        "-n",
        "--printshellcmds",
        "--snakefile",
        ROOT / "Snakefile",
    ]
    command += [
        "--directory",
        folder,
        "--configfile",
        config,
        "--workflow-profile",
        ROOT / "profiles" / profile,
    ]
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("FOURLENSES_", "PYTEST"))
    } | names
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("profile", ["slurm", "slurm-squeue"])
def test_every_name_that_is_not_set_is_named(tmp_path, profile):
    said = dry_run(
        tmp_path, profile, {"FOURLENSES_CPU_PARTITION": "short", "FOURLENSES_GPU_PARTITION": ""}
    )
    assert "not set" in said
    missing = set(re.findall(r"FOURLENSES_\w+", said.split("not set")[1]))
    assert missing == {"FOURLENSES_GPU_PARTITION", "FOURLENSES_GPU_MODEL"} | (
        {"FOURLENSES_ACCOUNT"} if profile == "slurm" else set()
    )
    assert "cluster.example.sh" in said


def test_the_example_sets_every_name():
    example = (ROOT / "profiles/slurm/cluster.example.sh").read_text()
    assert set(re.findall(r"^export (\w+)=", example, re.MULTILINE)) == set(NAMES)


def test_both_profiles_differ_in_accounting_alone():
    one, other = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
        for name in ("slurm", "slurm-squeue")
    )
    assert other.pop("slurm-status-command") == "squeue"
    assert one["default-resources"].pop("slurm_account") == "$FOURLENSES_ACCOUNT"
    assert one == other
    assert "cores" not in one  # it would cap the CPUs of each job


def test_every_rule_that_computes_on_a_device_is_sent_to_a_gpu():
    rules = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    bodies = dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", rules, re.MULTILINE))
    computing = {name for name, body in bodies.items() if "--device $FOURLENSES_DEVICE" in body} | {
        "calibrate"
    }
    assert {"pretrain", "evaluate"} < computing
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    sent = {
        name
        for name, wanted in profile["set-resources"].items()
        if wanted["slurm_partition"] == "$FOURLENSES_GPU_PARTITION"
    }
    assert (
        sent
        == {name for name, wanted in profile["set-resources"].items() if wanted["gpu"]}
        == computing
    )


ENCODER = "results/default/pretrain/random/none/seed0/encoder.safetensors"


def test_demands_of_a_rule_are_the_profile_s(tmp_path):
    said = dry_run(tmp_path, "slurm", NAMES, ENCODER)
    assert re.search(r"--max-minutes \$\{FOURLENSES_MAX_MINUTES:-720\}", said), said


def test_a_dry_run_ends_with_what_each_rule_asks_for(tmp_path):
    said = dry_run(tmp_path, "slurm", NAMES, "all", ROOT / "studies/paper.yaml")
    lines = {
        tuple(line.split()[:2]): line.split()[2:]
        for line in said[said.index("What each job would ask SLURM for") :].splitlines()
    }
    assert lines["rule", "jobs"] == ["partition", "GPUs", "CPUs", "memory", "time"]
    assert lines["pretrain", "150"] == ["gpu-long", "8", "a100", "64", "216000", "MB", "12", "h"]
    assert lines["train_evaluate", "960"] == [
        "gpu-long",
        "1",
        "a100",
        "8",
        "48000",
        "MB",
        "12",
        "h",
    ]
    assert lines["write_beton", "4"] == ["short", "-", "16", "4000", "MB", "12", "h"]
    beside = said[said.index("on the head's machine: ") :]
    assert "draw_figure (8)" in beside
    assert "pretrain" not in beside
    assert "would ask" not in dry_run(tmp_path, "local", NAMES)


@pytest.mark.parametrize(
    ("rule", "section"), [("pretrain", "training"), ("train_evaluate", "evaluation")]
)
def test_a_profile_with_too_few_gpus_for_the_processes_is_refused(tmp_path, rule, section):
    (tmp_path / "four.yaml").write_text(f"{section}: {{processes: 4}}\n")
    own = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    own["set-resources"][rule]["gpu"] = 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.yaml").write_text(yaml.safe_dump(own))
    said = dry_run(tmp_path, tmp_path / "mine", NAMES, ENCODER, tmp_path / "four.yaml")
    assert f"the profile gives {rule} 2 GPUs, but the config's '{section}.processes' is 4" in said
