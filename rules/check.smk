# A look at a dataset before anything is trained on it:  snakemake check_dataset --cores 2 --config dataset=mine
# The reports are a job like any other, which a bad dataset does not fail: Snakemake would delete them. `check_dataset` shows them, and fails.


rule look_at_dataset:
    input:
        manifest="data/{dataset}/manifest.parquet",
    output:
        report="data/{dataset}/check/report.md",
        record="data/{dataset}/check/report.json",
        contact_sheet="data/{dataset}/check/contact_sheet.png",
        copies="data/{dataset}/check/duplicates.png",
        duplicates="data/{dataset}/check/duplicates.csv",
        undecodable="data/{dataset}/check/undecodable.csv",
    log:
        "data/{dataset}/logs/check.log",
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
        image_size=config["image_size"],
        stored_size=SIZE,
        max_undecodable=config["max_undecodable"],
        asked=asked_images,
        few_images=config["check_few_images"],
        sample=config["check_sample"],
    message:
        "Looking at {wildcards.dataset}; progress: tail -f {log}"
    shell:
        'python "$FOURLENSES_SCRIPTS/check_dataset.py" --dataset {wildcards.dataset} --definition {params.definition:q} --raw-data "$FOURLENSES_RAW_DATA" '
        "--manifest {input.manifest} --image-size {params.image_size} --stored-size {params.stored_size} "
        "--max-undecodable {params.max_undecodable} --asked {params.asked} --few-images {params.few_images} --sample {params.sample} "
        "--workers {threads} --exit-zero --output $(dirname {output.report:q}) > {log} 2>&1"


rule check_dataset:
    input:
        records=check_records,
    log:
        f"{RESULTS}/logs/check_dataset.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    message:
        "What the checks found"
    shell:
        'python "$FOURLENSES_SCRIPTS/show_checks.py" {input.records} 2> {log}'
