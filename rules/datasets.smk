# From raw images to betons and subsets. Every dataset goes through these rules; what is particular to one is its source
# (src/fourlenses/data/sources) and its entry under `datasets` in the config. Rules that make a manifest of their own are files of
# rules/datasets; each is included by being there.
from glob import glob

for file in sorted(glob(os.path.join(workflow.basedir, "rules", "datasets", "*.smk"))):

    include: file


rule index_dataset:
    input:
        rows=rows_file,
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
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        definition=definition,
    message:
        "Indexing {wildcards.dataset}"
    shell:
        'python "$FOURLENSES_SCRIPTS/index_dataset.py" --dataset {wildcards.dataset} --definition {params.definition:q} '
        '--raw-data "$FOURLENSES_RAW_DATA" --output {output.manifest} > {log} 2>&1'


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
        'python "$FOURLENSES_SCRIPTS/write_beton.py" --dataset {wildcards.dataset} --definition {params.definition:q} '
        '--raw-data "$FOURLENSES_RAW_DATA" --manifest {input.manifest} --variant {wildcards.variant} --stored-size {wildcards.size} '
        "--max-undecodable $FOURLENSES_MAX_UNDECODABLE --workers {threads} --output {output.beton} > {log} 2>&1"


# Only pretraining reads a corrupted beton: one that is not kept goes when the last run that needs it is done. Its sidecar stays.
use rule write_beton as write_corrupted_beton with:
    output:
        beton=corrupted(r"data/{dataset}/{size}px/{variant,(?!clean\.)[a-z][a-z0-9_]*}.beton"),
        sidecar=r"data/{dataset}/{size}px/{variant,(?!clean\.)[a-z][a-z0-9_]*}.json",


rule draw_subset:
    input:
        manifest="data/{dataset}/manifest.parquet",
        sidecar="data/{dataset}/{size}px/clean.json",
    output:
        subset="data/{dataset}/{size}px/subsets/seed{seed}/{subset}.npy",
    log:
        "data/{dataset}/{size}px/logs/subset_seed{seed}_{subset}.log",
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
        'python "$FOURLENSES_SCRIPTS/draw_subset.py" --dataset {wildcards.dataset} --manifest {input.manifest} --sidecar {input.sidecar} '
        "--subset {wildcards.subset} --seed {wildcards.seed} --output {output.subset} > {log} 2>&1"
