# Dataset `__NAME__`: which images it has, their split and their labels. This file is included because it lies in rules/datasets.
#
# The rule makes the Parquet file that `datasets.__NAME__.manifest` in studies/__NAME__.yaml names, by whatever program: Python here, but R, SQL or a
# shell script do as well. What must be in the file: src/fourlenses/data/manifest/contract.py. It is checked before anything else is done with it.
# After a change of the images:  snakemake check_dataset --configfile studies/__NAME__.yaml --forcerun rows_of___NAME__


rule rows_of___NAME__:
    output:
        rows="data/__NAME__/rows.parquet",
    log:
        "data/__NAME__/logs/rows_of___NAME__.log",
    benchmark:
        "data/__NAME__/logs/rows_of___NAME__.benchmark.tsv"
    conda:
        "../../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="1h",
    params:
        # what has a say in the rows: a change makes them again
        path=config["datasets"].get("__NAME__", {}).get("path"),
    message:
        "Listing the images of __NAME__"
    shell:
        'python "$FOURLENSES_SCRIPTS/datasets/__NAME__.py" --raw-data "$FOURLENSES_RAW_DATA" --path {params.path:q} --output {output.rows} > {log} 2>&1'
