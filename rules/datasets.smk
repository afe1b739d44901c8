# From raw images to betons and subsets. Every dataset goes through these rules; what is
# particular to one is its source (src/fourlenses/data/sources) and its entry under `datasets` in
# the config. Rules that list the images of a dataset are files of rules/datasets, included by
# being there; those of an example only by a study of that dataset, so that no other reads them.
from glob import glob

from fourlenses.study.datasets import listed_files

for file in sorted(glob(os.path.join(PROJECT, "rules", "datasets", "*.smk"))):
    dataset_rules = Path(file).stem
    if not dataset_rules.startswith("example_") or dataset_rules in config["datasets"]:

        include: file


STORED = layout.Layout(config["study"], "{size}")


def definition(wildcards):
    if wildcards.dataset in config["datasets"]:
        return dataset_definition(wildcards.dataset)
    known = ", ".join(sorted(config["datasets"]))
    overlay = PROJECT / "studies" / f"{wildcards.dataset}.yaml"
    hint = f"; add --configfile {os.path.relpath(overlay)}" if overlay.exists() else ""
    raise WorkflowError(
        f"config key 'datasets' has no '{wildcards.dataset}'; it has: {known}{hint}"
    )


def rows_file(wildcards):
    """The list of images of a dataset that has one: a rule of rules/datasets may make it."""
    entry = config["datasets"].get(wildcards.dataset, {})
    files = [entry[key] for key in ("manifest",) if entry.get("source") == "manifest"]
    return [expanded(file, f"datasets.{wildcards.dataset}.manifest") for file in files]


def exclusion_file(wildcards):
    """The lists of images that a dataset's entry excludes."""
    entry = config["datasets"].get(wildcards.dataset, {})
    key = f"datasets.{wildcards.dataset}.exclude"
    folder = Path(expanded(config["raw_data"], "raw_data"))
    return [folder / expanded(file, key) for file in listed_files(entry)]


def writing_threads(wildcards):
    return needs.writer_threads(config["datasets"][wildcards.dataset]["source"])


def corrupted(file):
    return file if config["keep_corrupted"] else temp(file)


def beton_files():
    return needs.betons(PLAN, config)


rule index_dataset:
    input:
        rows=rows_file,
        exclusion=exclusion_file,
        downloads=ancient(download_records),
    output:
        manifest=layout.manifest("{dataset}"),
    log:
        layout.dataset_log("{dataset}", "index_dataset"),
    benchmark:
        "data/{dataset}/logs/index_dataset.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        definition=definition,
    message:
        "Indexing {wildcards.dataset}"
    shell:
        'python "$FOURLENSES_SCRIPTS/index_dataset.py" --dataset {wildcards.dataset} '
        '--definition {params.definition:q} --raw-data "$FOURLENSES_RAW_DATA" '
        "--output {output.manifest} > {log} 2>&1"


rule write_beton:
    input:
        downloads=ancient(download_records),
        manifest=layout.manifest("{dataset}"),
    output:
        beton=STORED.beton("{dataset}", "{variant}"),
        sidecar=STORED.sidecar("{dataset}", "{variant}"),
    log:
        STORED.stored_log("{dataset}", "{variant}"),
    benchmark:
        "data/{dataset}/{size}px/logs/{variant}.benchmark.tsv"
    wildcard_constraints:
        variant="clean",
    conda:
        "../envs/fourlenses.yaml"
    threads: writing_threads
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
    params:
        definition=definition,
    message:
        "Writing {wildcards.dataset}/{wildcards.variant} at {wildcards.size} px"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_beton.py" --dataset {wildcards.dataset} '
        '--definition {params.definition:q} --raw-data "$FOURLENSES_RAW_DATA" '
        "--manifest {input.manifest} --variant {wildcards.variant} "
        "--stored-size {wildcards.size} --max-undecodable $FOURLENSES_MAX_UNDECODABLE "
        "--workers {threads} --output {output.beton} > {log} 2>&1"


CORRUPTED = r"{variant,(?!clean\.)[a-z][a-z0-9_]*}"


# Only pretraining reads a corrupted beton: one that is not kept goes when the last run that needs
# it is done. Its sidecar stays.
use rule write_beton as write_corrupted_beton with:
    output:
        beton=corrupted(STORED.beton("{dataset}", CORRUPTED)),
        sidecar=STORED.sidecar("{dataset}", CORRUPTED),


rule draw_subset:
    input:
        manifest=layout.manifest("{dataset}"),
        sidecar=STORED.sidecar("{dataset}"),
    output:
        subset=STORED.subset("{dataset}", "{subset}", "{seed}"),
    log:
        STORED.stored_log("{dataset}", "subset_seed{seed}_{subset}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="10m",
    message:
        "Drawing {wildcards.subset} images of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_subset.py" --dataset {wildcards.dataset} '
        "--manifest {input.manifest} --sidecar {input.sidecar} --subset {wildcards.subset} "
        "--seed {wildcards.seed} --output {output.subset} > {log} 2>&1"
