# Check a dataset before anything is trained on it:
#     snakemake check_dataset --cores 2 --config dataset=mine
# The reports are a job like any other, which a bad dataset does not fail: Snakemake would delete
# them. `check_dataset` shows them, and fails.


def check_records(wildcards):
    """Of the dataset that `--config dataset=…` names, or of all that the study uses."""
    chosen = [config["dataset"]] if "dataset" in config else needs.datasets(PLAN)
    return [layout.check(dataset, "report.json") for dataset in chosen]


@functools.cache
def compared_targets(dataset):
    """Datasets whose test images must not be among the images that this one pretrains on."""
    raw_data = Path(expanded(config["raw_data"], "raw_data"))
    return [
        {
            "dataset": target,
            "definition": definition_of(config["datasets"][target]),
            "manifest": layout.manifest(target),
        }
        for target in needs.compared_targets(PLAN, dataset)
        if preflight.is_there(target, config["datasets"], raw_data)
    ]


rule look_at_dataset:
    input:
        manifest=layout.manifest("{dataset}"),
        compared=lambda wildcards: [
            target["manifest"] for target in compared_targets(wildcards.dataset)
        ],
    output:
        report=layout.check("{dataset}", "report.md"),
        record=layout.check("{dataset}", "report.json"),
        contact_sheet=layout.check("{dataset}", "contact_sheet.png"),
        copies=layout.check("{dataset}", "duplicates.png"),
        duplicates=layout.check("{dataset}", "duplicates.csv"),
        overlaps=layout.check("{dataset}", "overlaps.csv"),
        undecodable=layout.check("{dataset}", "undecodable.csv"),
    log:
        layout.dataset_log("{dataset}", "check"),
    benchmark:
        "data/{dataset}/logs/check.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        definition=definition,
        targets=lambda wildcards: as_json(compared_targets(wildcards.dataset)),
        image_size=config["image_size"],
        stored_size=config["stored_size"],
        max_undecodable=config["max_undecodable"],
        asked=lambda wildcards: needs.most_images(KNOWN.whole, wildcards.dataset),
        few_images=config["check_few_images"],
        sample=config["check_sample"],
    message:
        "Checking {wildcards.dataset}; progress: tail -f {log}"
    shell:
        'python "$FOURLENSES_SCRIPTS/check_dataset.py" --dataset {wildcards.dataset} '
        '--definition {params.definition:q} --raw-data "$FOURLENSES_RAW_DATA" '
        "--manifest {input.manifest} --targets {params.targets:q} --image-size {params.image_size} "
        "--stored-size {params.stored_size} --max-undecodable {params.max_undecodable} "
        "--asked {params.asked} --few-images {params.few_images} --sample {params.sample} "
        "--workers {threads} --exit-zero --output $(dirname {output.report:q}) > {log} 2>&1"


rule check_dataset:
    input:
        records=check_records,
    log:
        FILES.log("check_dataset"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    message:
        "Showing the checks"
    shell:
        'python "$FOURLENSES_SCRIPTS/show_checks.py" {input.records} 2> {log}'
