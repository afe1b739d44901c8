# From raw images to betons and subsets. Every dataset goes through these three rules; what is particular to one is its source
# (src/fourlenses/data/sources) and its entry under `datasets` in the config.


rule index_dataset:
    input:
        downloads=ancient(download_records),
    output:
        manifest="data/{dataset}/manifest.parquet",
    log:
        "data/{dataset}/logs/index_dataset.log",
    benchmark:
        "data/{dataset}/logs/index_dataset.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="4h",
    params:
        definition=definition,
    message:
        "Indexing {wildcards.dataset}"
    shell:
        'python "$SCRIPTS/index_dataset.py" --dataset {wildcards.dataset} --definition {params.definition:q} '
        '--raw-data "$RAW_DATA" --output {output.manifest} > {log} 2>&1'


rule write_beton:
    input:
        downloads=ancient(download_records),
        manifest="data/{dataset}/manifest.parquet",
    output:
        beton="data/{dataset}/{size}px/{variant}.beton",
        sidecar="data/{dataset}/{size}px/{variant}.json",
    log:
        "data/{dataset}/{size}px/logs/{variant}.log",
    benchmark:
        "data/{dataset}/{size}px/logs/{variant}.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="12h",
    params:
        definition=definition,
    message:
        "Writing {wildcards.dataset}/{wildcards.variant} at {wildcards.size} px"
    shell:
        'python "$SCRIPTS/write_beton.py" --dataset {wildcards.dataset} --definition {params.definition:q} '
        '--raw-data "$RAW_DATA" --manifest {input.manifest} --variant {wildcards.variant} --stored-size {wildcards.size} '
        "--max-undecodable $MAX_UNDECODABLE --workers {threads} --output {output.beton} > {log} 2>&1"


rule draw_subset:
    input:
        manifest="data/{dataset}/manifest.parquet",
        sidecar="data/{dataset}/{size}px/clean.json",
    output:
        subset="data/{dataset}/{size}px/subsets/seed{seed}/{images}.npy",
    log:
        "data/{dataset}/{size}px/logs/subset_seed{seed}_{images}.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="10m",
    message:
        "Drawing {wildcards.images} images of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        'python "$SCRIPTS/draw_subset.py" --dataset {wildcards.dataset} --manifest {input.manifest} --sidecar {input.sidecar} '
        "--images {wildcards.images} --seed {wildcards.seed} --output {output.subset} > {log} 2>&1"
