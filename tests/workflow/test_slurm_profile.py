"""The SLURM profile without a SLURM: demands of jobs, and checks before anything is submitted."""

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


SLURM, WITHOUT_ACCOUNTING = ("slurm",), ("slurm", "slurm-squeue")
TABLE = "What each job would ask SLURM for (docs/guide/slurm.md):"


def profile_options(profiles: tuple[str | Path, ...]) -> list[str | Path]:
    """The last one is laid over the others."""
    *below, last = (ROOT / "profiles" / profile for profile in profiles)
    return [*(["--profile", *below] if below else []), "--workflow-profile", last]


def snakemake(
    folder: Path,
    profiles: tuple[str | Path, ...],
    names: dict[str, str],
    *arguments: str,
    config: Path = ROOT / "config.yaml",
) -> str:
    """What a run says. names: the environment variables of cluster.sh."""
    command = [Path(sys.executable).with_name("snakemake"), *arguments]
    command += ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", config]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FOURLENSES_", "PYTEST"))
    }
    done = subprocess.run(
        [str(part) for part in [*command, *profile_options(profiles)]],
        capture_output=True,
        text=True,
        env=environment | names,
    )
    return done.stdout + done.stderr


def dry_run(folder: Path, profiles: tuple, names: dict, target: str = "all", **options) -> str:
    return snakemake(folder, profiles, names, target, "-n", "--printshellcmds", **options)


@pytest.mark.parametrize("profiles", [SLURM, WITHOUT_ACCOUNTING])
def test_every_name_that_is_not_set_is_named(tmp_path, profiles):
    names = {"FOURLENSES_CPU_PARTITION": "short", "FOURLENSES_GPU_PARTITION": ""}
    output = dry_run(tmp_path, profiles, names)
    assert "not set" in output
    missing = set(re.findall(r"FOURLENSES_\w+", output.split("not set")[1]))
    assert missing == {"FOURLENSES_GPU_PARTITION", "FOURLENSES_GPU_MODEL"} | (
        {"FOURLENSES_ACCOUNT"} if profiles == SLURM else set()
    )
    assert "cluster.example.sh" in output


def test_the_example_sets_every_name():
    example = (ROOT / "profiles/slurm/cluster.example.sh").read_text()
    assert set(re.findall(r"^export (\w+)=", example, re.MULTILINE)) == set(NAMES)


def test_without_accounting_two_keys_differ(tmp_path):
    """Snakemake itself lays the one profile over the other."""
    with_accounting = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    without = yaml.safe_load((ROOT / "profiles/slurm-squeue/config.yaml").read_text())
    del with_accounting["default-resources"]["slurm_account"]
    assert without == {
        "slurm-status-command": "squeue",
        "default-resources": with_accounting["default-resources"],
    }
    assert "cores" not in with_accounting  # it would cap the CPUs of each job

    asked = {}
    for profiles in (SLURM, WITHOUT_ACCOUNTING):
        lines = dry_run(tmp_path, profiles, NAMES).splitlines()
        asked[profiles] = lines[lines.index(TABLE) :]
    assert asked[SLURM] == asked[WITHOUT_ACCOUNTING]
    read = "from snakemake.cli import parse_args; import sys; args = parse_args(sys.argv[1:])[1]"
    show = "print(args.executor, args.slurm_status_command, sorted(args.default_resources))"
    options = ["--snakefile", ROOT / "Snakefile", *profile_options(WITHOUT_ACCOUNTING)]
    done = subprocess.run(
        [sys.executable, "-c", f"{read}; {show}", *map(str, options)],
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[:2] == ["slurm", "squeue"]
    assert "slurm_partition" in done.stdout
    assert "slurm_account" not in done.stdout


def test_the_variant_alone_submits_nothing_and_runs_nothing(tmp_path):
    """As it was complete once: a head on a login node would do the work itself."""
    study = "results/default/study.json"
    result = snakemake(tmp_path, ("slurm-squeue",), NAMES, study, "--cores", "1")
    assert "--profile profiles/slurm --workflow-profile profiles/slurm-squeue" in result
    assert not (tmp_path / study).exists()


def test_every_rule_that_computes_on_a_device_is_sent_to_a_gpu():
    rules = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    bodies = dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", rules, re.MULTILINE))
    on_device = {name for name, body in bodies.items() if "--device $FOURLENSES_DEVICE" in body}
    computing = on_device | {"calibrate"}
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
    output = dry_run(tmp_path, SLURM, NAMES, ENCODER)
    assert re.search(r"--max-minutes \$\{FOURLENSES_MAX_MINUTES:-720\}", output), output


def test_a_dry_run_ends_with_what_each_rule_asks_for(tmp_path):
    output = dry_run(tmp_path, SLURM, NAMES, config=ROOT / "studies/paper.yaml")
    table = output[output.index(TABLE) :].splitlines()
    rows = {tuple(line.split()[:2]): " ".join(line.split()[2:]) for line in table}
    assert rows["rule", "jobs"] == "partition GPUs CPUs memory time"
    assert rows["pretrain", "150"] == "gpu-long 8 a100 64 216000 MB 12 h"
    assert rows["train_evaluate", "960"] == "gpu-long 1 a100 8 48000 MB 12 h"
    assert rows["write_beton", "4"] == "short - 16 4000 MB 12 h"
    local = output[output.index("on the head's machine: ") :]
    assert "draw_figure (12)" in local
    assert "pretrain" not in local
    assert "would ask" not in dry_run(tmp_path, ("local",), NAMES)


@pytest.mark.parametrize(("model", "gpus"), [("a100", "2 x 4 a100"), ("any", "2 x 4")])
def test_a_pretraining_on_two_nodes_asks_for_the_same_of_each(tmp_path, model, gpus):
    (tmp_path / "two.yaml").write_text("training: {nodes: 2, processes: 4}\n")
    names = NAMES | {"FOURLENSES_GPU_MODEL": model}
    output = dry_run(tmp_path, SLURM, names, ENCODER, config=tmp_path / "two.yaml")
    rows = [" ".join(line.split()) for line in output[output.index(TABLE) :].splitlines()]
    assert f"pretrain 1 gpu-long {gpus} 2 x 32 2 x 120000 MB 12 h" in rows


@pytest.mark.parametrize(
    ("rule", "section"), [("pretrain", "training"), ("train_evaluate", "evaluation")]
)
def test_a_profile_with_too_few_gpus_for_the_processes_is_refused(tmp_path, rule, section):
    (tmp_path / "four.yaml").write_text(f"{section}: {{processes: 4}}\n")
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    profile["set-resources"][rule]["gpu"] = 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.yaml").write_text(yaml.safe_dump(profile))
    mine = (tmp_path / "mine",)
    output = dry_run(tmp_path, mine, NAMES, ENCODER, config=tmp_path / "four.yaml")
    assert f"the profile gives {rule} 2 GPUs, but the config's '{section}.processes' is 4" in output
