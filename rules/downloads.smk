# Files that a study needs and its config allows to be downloaded. What is declared is a small record of the download. The file itself is not:
# Snakemake deletes declared outputs before it makes them again, and a file of hundreds of gigabytes, or a user's own, must survive that.


rule download:
    output:
        record="data/{dataset}/downloads/{file}.json",
    log:
        "data/{dataset}/logs/download/{file}.log",
    benchmark:
        "data/{dataset}/logs/download/{file}.benchmark.tsv"
    wildcard_constraints:
        dataset="|".join(name for name, wanted in DOWNLOADS.items() if wanted) or "(?!)",  # none
    retries: 0  # the program tries again where that may help; a wrong file of hundreds of gigabytes would only come again
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="7d",
        downloads=1,
    params:
        options=download_options,
    message:
        "Downloading {wildcards.file} for {wildcards.dataset}; its progress is in {log}"
    shell:
        'python "$FOURLENSES_SCRIPTS/download.py" {params.options:q} --raw-data "$FOURLENSES_RAW_DATA" --record {output.record} > {log} 2>&1'
