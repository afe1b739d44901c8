# Files that a study needs and its config allows to be downloaded: docs/guide/downloads.md. What
# is declared is a small record of the download. The file itself is not: Snakemake deletes
# declared outputs before it makes them again, and a file of hundreds of gigabytes, or a user's
# own, must survive that.


def download_records(wildcards):
    """One record for each file to be downloaded.

    As a set that changes is a reason to index again, it does not depend on what is in raw_data,
    stays when the key `download` is taken away, and is empty for a dataset that was indexed before
    it got the key.
    """
    dataset = wildcards.dataset
    present = sorted(
        str(record) for record in Path(placed(layout.downloads(dataset))).glob("*.json")
    )
    # a job starts when its inputs are there and its old outputs have been removed; the head
    # decides what is to be there
    if not workflow.is_main_process or not DOWNLOADS.get(dataset):
        return present
    if is_there(layout.manifest(dataset)) and not present:
        return []  # indexed before
    return sorted(
        layout.download_record(dataset, wanted.path.name) for wanted in DOWNLOADS[dataset]
    )


def download_options(wildcards):
    files = {wanted.path.name: wanted for wanted in DOWNLOADS[wildcards.dataset]}
    return files[wildcards.file].options()


rule download:
    output:
        record=layout.download_record("{dataset}", "{file}"),
    log:
        layout.dataset_log("{dataset}", "download/{file}"),
    benchmark:
        "data/{dataset}/logs/download/{file}.benchmark.tsv"
    wildcard_constraints:
        dataset="|".join(name for name, wanted in DOWNLOADS.items() if wanted) or "(?!)",  # none
    # the program tries again where that may help; a wrong file of hundreds of gigabytes would only
    # come again
    retries: 0
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
        'python "$FOURLENSES_SCRIPTS/download.py" {params.options:q} '
        '--raw-data "$FOURLENSES_RAW_DATA" --record {output.record} > {log} 2>&1'
