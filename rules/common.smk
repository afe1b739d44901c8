# What the rules share: the checked config, the plan made from it, the paths of everything, and helpers. No rule stands here.
import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, os.path.join(workflow.basedir, "src"))
from fourlenses.core.errors import UserError
from fourlenses.config.read import complete_config, config_files
from fourlenses.slurm.inside_job import attempts_grow, count_jobs, in_slurm_job
from fourlenses.slurm.snakemake_internals import count_target_jobs, makes_environments
from fourlenses.lenses.plan import figure_names, make_plan
from fourlenses.study import Run, Subset, parse_source
from fourlenses.study.vocabulary import (
    FROM_SCRATCH,
    FIGURES,
    RANDOM_INIT,
    SIMILARITY_FIGURE,
    TRAINING_PROTOCOLS,
)
from fourlenses.workflow.environment import job_environment, shell_prefix


@contextlib.contextmanager
def one_sentence(where=""):
    """End in one sentence where the user can put something right."""
    try:
        yield
    except UserError as error:
        raise WorkflowError(f"{where}{error}") from None


# the files the config was merged from, the last one winning
CONFIG_FILES = config_files([Path(file) for file in workflow.configfiles], Path(workflow.basedir))
with one_sentence(f"in the config ({', '.join(map(str, CONFIG_FILES))}): "):
    DOWNLOADS = complete_config(config, Path(workflow.basedir), CONFIG_FILES)
    PLAN = make_plan(config)

STUDY = config["study"]
SIZE = config["stored_size"]
RESULTS = f"results/{STUDY}"
FIGURE_TYPES = ["svg", "png", "csv"]

PLACEMENT = (
    "raw_data",
    "device",
    "max_undecodable",
    "keep_corrupted",
    "dataset",
    "check_few_images",
    "check_sample",
    "input",
    "processes",
    "checkpoint_minutes",
    "max_minutes",
    "requeue",
    "stage_to",
    "plan",
)
# Inside a SLURM job Snakemake reads this file again. A training may have the job requeued only if nothing else is in it.
INSIDE = in_slurm_job(workflow.is_main_process, os.environ)
ENVIRONMENT = job_environment(
    config,
    Path(workflow.basedir),
    in_slurm_job=INSIDE,
    may_requeue=INSIDE and count_jobs(os.environ, count_target_jobs(sys.argv)) == 1,
)
# the profile may name these two in its expressions, which are evaluated later than this
for variable in ("FOURLENSES_PROCESSES", "FOURLENSES_EVALUATION_PROCESSES"):
    os.environ[variable] = ENVIRONMENT[variable]
# jobs use this interpreter's environment, activated or not; with --sdm conda they use envs/fourlenses.yaml
programs = None if makes_environments(workflow) else Path(sys.executable).parent
prefix = shell_prefix(ENVIRONMENT, Path(workflow.basedir, "src"), programs)
shell.prefix(prefix.replace("{", "{{").replace("}", "}}"))


def growing(amount):
    """mem_mb or runtime (minutes) of a job that starts from nothing when it is tried again."""
    return lambda wildcards, attempt: attempts_grow(amount, attempt)


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    size=r"\d+",
    variant="[a-z][a-z0-9_]*",
    subset=r"(\d+|all)(_balanced)?(_draw\d+)?",
    seed=r"\d+",
    method="[a-z][a-z0-9_]*",
    file="[^/]+",
    source="[a-z0-9_@+~.-]+",
    protocol="|".join(TRAINING_PROTOCOLS),
    target="[a-z][a-z0-9_]*",
    figure="|".join(FIGURES),


# --- paths ------------------------------------------------------------------------------------------------------------
def beton(dataset, variant="clean"):
    return f"data/{dataset}/{SIZE}px/{variant}.beton"


def corrupted(file):
    return file if config["keep_corrupted"] else temp(file)


def manifest(dataset):
    return f"data/{dataset}/manifest.parquet"


def subset(dataset, name, seed):
    return f"data/{dataset}/{SIZE}px/subsets/seed{seed}/{name}.npy"


def run_dir(run):
    return f"{RESULTS}/pretrain/{run.name}"


# --- what the named targets ask for -----------------------------------------------------------------------------------
def beton_files():
    parts = {(part.dataset, part.variant) for run in PLAN.runs for part in parse_source(run.source)}
    return [
        beton(dataset, variant)
        for dataset, variant in sorted(parts | {(target, "clean") for target in targets()})
    ]


def encoder_files():
    return [f"{run_dir(run)}/encoder.safetensors" for run in PLAN.runs]


def targets():
    """The datasets that encoders are evaluated on."""
    return sorted({cell.target for cell in PLAN.cells})


def record_files():
    return [f"{RESULTS}/evaluate/{record}" for record in PLAN.records]


def figure_files():
    figures = figure_names(config) + ([SIMILARITY_FIGURE] if asks_similarity() else [])
    return [f"{RESULTS}/figures/{figure}.{suffix}" for figure in figures for suffix in FIGURE_TYPES]


# --- distances between the datasets of the domain lens ----------------------------------------------------------------
def similarity_datasets():
    return sorted(config["domain"]["datasets"])


def similarity_runs():
    return [run_dir(Run(RANDOM_INIT, "none", seed)) for seed in config["seeds"]]


def similarity_encoders():
    return [f"{directory}/encoder.safetensors" for directory in similarity_runs()]


def similarity_domains():
    domains = [
        {"dataset": dataset, "beton": beton(dataset), "manifest": manifest(dataset)}
        for dataset in similarity_datasets()
    ]
    return json.dumps(domains)


def asks_similarity():
    """Whether the figure of similarity is drawn: never where it would make a study whose table is there start anew, say in a clone."""
    if "domain" not in config["lenses"] or len(similarity_datasets()) < 2:
        return False
    needed = [*similarity_encoders(), *(beton(dataset) for dataset in similarity_datasets())]
    measured, table = Path(f"{RESULTS}/similarity.csv"), Path(f"{RESULTS}/metrics.csv")
    return measured.exists() or not table.exists() or all(Path(file).exists() for file in needed)


def prediction_files():
    """What was predicted of every test image, beside each record."""
    named = (
        record.replace("cells.json", "predictions.npz").replace(".json", ".npz")
        for record in PLAN.records
    )
    return [f"{RESULTS}/evaluate/{file}" for file in named]


def paired_file(wildcards):
    """The paired intervals, where they are there or can be had from the predictions. With the table alone nothing is run to get them:
    what reads the table does without."""
    paired = Path(f"{RESULTS}/paired.csv")
    table_alone = Path(f"{RESULTS}/metrics.csv").exists() and not all(
        Path(file).exists() for file in prediction_files()
    )
    return [str(paired)] if paired.exists() or not table_alone else []


# --- downloads: docs/guide/downloads.md -------------------------------------------------------------------------------------
def download_record(dataset, file):
    return f"data/{dataset}/downloads/{file}.json"


def download_records(wildcards):
    """One record per file to be downloaded. As a set that changes is a reason to index again, it does not depend on what is in raw_data,
    stays when the key `download` is taken away, and is empty for a dataset that was indexed before it got the key.
    """
    dataset = wildcards.dataset
    there = [str(record) for record in Path(f"data/{dataset}/downloads").glob("*.json")]
    # a job starts when its inputs are there and its old outputs have been removed; the workflow has to tell what is to be there
    if not workflow.is_main_process or not DOWNLOADS.get(dataset):
        return sorted(there)
    indexed_before = Path(manifest(dataset)).exists() and not there
    return (
        []
        if indexed_before
        else sorted(download_record(dataset, wanted.path.name) for wanted in DOWNLOADS[dataset])
    )


def download_options(wildcards):
    return next(
        wanted.options()
        for wanted in DOWNLOADS[wildcards.dataset]
        if wanted.path.name == wildcards.file
    )


# --- inputs and parameters of one job ---------------------------------------------------------------------------------
def definition(wildcards):
    if wildcards.dataset not in config["datasets"]:
        known = ", ".join(sorted(config["datasets"]))
        overlay = Path(workflow.basedir) / "studies" / f"{wildcards.dataset}.yaml"
        hint = f"; add --configfile {os.path.relpath(overlay)}" if overlay.exists() else ""
        raise WorkflowError(
            f"config key 'datasets' has no '{wildcards.dataset}'; it has: {known}{hint}"
        )
    return json.dumps(config["datasets"][wildcards.dataset], sort_keys=True)


def writing_threads(wildcards):
    """Drawing holds Python's lock; decoding does not, and the bytes do not depend on it."""
    return 1 if config["datasets"][wildcards.dataset]["source"] == "synthetic" else 8


def rows_file(wildcards):
    """Of a dataset that a file of rules/datasets lists the images of, that list."""
    entry = config["datasets"].get(wildcards.dataset, {})
    return entry["manifest"] if entry.get("source") == "manifest" else []


def check_records(wildcards):
    """Of the dataset that `--config dataset=…` names, or of all that the study uses."""
    used = {part.dataset for run in PLAN.runs for part in parse_source(run.source)} | {
        cell.target for cell in PLAN.cells
    }
    return [
        f"data/{dataset}/check/report.json"
        for dataset in ([config["dataset"]] if "dataset" in config else sorted(used))
    ]


def asked_images(wildcards):
    """The most training images that the study asks of a dataset, for pretraining or as labels; 0 where it only asks for `all`."""
    asked = [
        part.images
        for run in PLAN.runs
        for part in parse_source(run.source)
        if part.dataset == wildcards.dataset
    ]
    asked += [
        Subset.parse(cell.labelled).images
        for cell in PLAN.cells
        if cell.target == wildcards.dataset
    ]
    return max((int(images) for images in asked if images.isdigit()), default=0)


def run_of(wildcards):
    return Run(wildcards.method, wildcards.source, int(wildcards.seed))


def pretrain_betons(wildcards):
    return [beton(part.dataset, part.variant) for part in parse_source(wildcards.source)]


def pretrain_subsets(wildcards):
    return [
        subset(part.dataset, part.images, wildcards.seed) for part in parse_source(wildcards.source)
    ]


def pretrain_datasets(wildcards):
    return [part.dataset for part in parse_source(wildcards.source)]


def pretrain_settings(wildcards):
    """Everything that has a say in the weights, as JSON; how fast or where a run is made stays out, so that it re-runs nothing."""
    hyperparameters = config["methods"][wildcards.method]
    settings = {
        "method": wildcards.method,
        "backbone": config["backbone"],
        "source": wildcards.source,
        "seed": int(wildcards.seed),
        "stored_size": SIZE,
        "image_size": config["image_size"],
        "torch_threads": config["torch_threads"],
        "hyperparameters": hyperparameters,
        "recipes": {name: config["views"][name] for name in hyperparameters.get("views", [])},
        **{key: value for key, value in config["training"].items() if key not in PLACEMENT},
    }
    return json.dumps(settings, sort_keys=True)


def evaluated_directories(wildcards):
    return [run_dir(encoder) for encoder in run_of(wildcards).encoders]


def evaluated_encoders(wildcards):
    return [f"{directory}/encoder.safetensors" for directory in evaluated_directories(wildcards)]


def evaluated_records(wildcards):
    return [f"{directory}/run.json" for directory in evaluated_directories(wildcards)]


def trained_from(wildcards):
    """The run a protocol that trains starts from; from scratch it is the one that was never trained, for its backbone and seed."""
    return (
        Run(RANDOM_INIT, "none", int(wildcards.seed))
        if wildcards.protocol in FROM_SCRATCH
        else run_of(wildcards)
    )


def trained_encoder(wildcards):
    return f"{run_dir(trained_from(wildcards))}/encoder.safetensors"


def trained_settings(wildcards):
    chosen = config["evaluation"][wildcards.protocol]
    return json.dumps(
        {key: value for key, value in chosen.items() if key not in ("preset", "recipe")},
        sort_keys=True,
    )


def trained_recipe(wildcards):
    return json.dumps(config["evaluation"][wildcards.protocol]["recipe"], sort_keys=True)


def definition_of_target(wildcards):
    return json.dumps(config["datasets"][wildcards.target], sort_keys=True)


def evaluation_settings(wildcards):
    chosen = {
        key: config["evaluation"][key]
        for key in (
            "strengths",
            "strength_of_supervised",
            "validation_fraction",
            "neighbours",
            "temperature",
        )
    }
    return json.dumps({**chosen, "torch_threads": config["torch_threads"]}, sort_keys=True)


def evaluate_targets(wildcards):
    targets = {}
    for cell in PLAN.cells_of(run_of(wildcards)):
        entry = targets.setdefault(
            cell.target,
            {
                "dataset": cell.target,
                "beton": beton(cell.target),
                "manifest": manifest(cell.target),
                "subsets": {},
            },
        )
        entry["subsets"].setdefault(cell.protocol, {})[cell.labelled] = subset(
            cell.target, cell.labelled, cell.run.seed
        )
    return list(targets.values())


def evaluate_betons(wildcards):
    return [target["beton"] for target in evaluate_targets(wildcards)]


def evaluate_manifests(wildcards):
    return [target["manifest"] for target in evaluate_targets(wildcards)]


def evaluate_subsets(wildcards):
    return sorted(
        {
            file
            for target in evaluate_targets(wildcards)
            for files in target["subsets"].values()
            for file in files.values()
        }
    )


def evaluate_targets_json(wildcards):
    return json.dumps(evaluate_targets(wildcards))


def definitions_of(wildcards):
    """Of the datasets a run is pretrained on: betons are `ancient`, so that this is what a change of a dataset is known by."""
    return [
        json.dumps(config["datasets"][part.dataset], sort_keys=True)
        for part in parse_source(wildcards.source)
    ]


def definitions_of_targets(wildcards):
    return [
        json.dumps(config["datasets"][target["dataset"]], sort_keys=True)
        for target in evaluate_targets(wildcards)
    ]


def modest_gain(wildcards):
    """An option of the one figure that marks it, so that no other is drawn anew when it changes."""
    return (
        f"--modest-gain {config['findings']['modest_gain']}"
        if wildcards.figure == "quantity_gain"
        else ""
    )


def finding_thresholds(wildcards):
    return json.dumps(config["findings"], sort_keys=True)


def study_config(wildcards):
    """The config that the plan was made from, less what only says where it runs or how the numbers are judged afterwards."""
    science = {key: value for key, value in config.items() if key not in (*PLACEMENT, "findings")}
    for name in ("training", "evaluation"):
        science[name] = {key: value for key, value in config[name].items() if key not in PLACEMENT}
    return json.dumps(science, sort_keys=True)


def plan_sha256(wildcards):
    return hashlib.sha256(json.dumps(PLAN.as_json()).encode()).hexdigest()
