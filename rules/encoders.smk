# Encoders that the study did not pretrain: docs/reference/encoders.md. Each is imported once; the run
# of every seed is a copy of it, in the folder where a pretraining of that seed would be.
from fourlenses.study.encoders import split_start

EXTERNAL_RUN = layout.run_name(EXTERNAL, "{encoder}", "{seed}")
IMPORTED = FILES.imported("{encoder}")


def weights_downloads(wildcards):
    """The records of the download, where one is declared."""
    name = layout.encoder_downloads(wildcards.encoder)
    return [layout.download_record(name, wanted.path.name) for wanted in DOWNLOADS.get(name, [])]


def encoder_settings(wildcards):
    return as_json(config["encoders"][wildcards.encoder])


rule import_encoder:
    input:
        downloads=ancient(weights_downloads),
    output:
        encoder=f"{IMPORTED}/{layout.ENCODER}",
        run=f"{IMPORTED}/{layout.RUN}",
    log:
        FILES.log("import/{encoder}"),
    benchmark:
        FILES.benchmark("import/{encoder}")
    wildcard_constraints:
        encoder="|".join(config["encoders"]) or "(?!)",  # none
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=encoder_settings,
    message:
        "Importing the encoder {wildcards.encoder}"
    shell:
        'python "$FOURLENSES_SCRIPTS/import_encoder.py" --name {wildcards.encoder} '
        '--settings {params.settings:q} --raw-data "$FOURLENSES_RAW_DATA" '
        "--output $(dirname {output.run}) > {log} 2>&1"


rule share_encoder:
    input:
        encoder=rules.import_encoder.output.encoder,
        run=rules.import_encoder.output.run,
    output:
        encoder=FILES.encoder(EXTERNAL_RUN),
        run=FILES.run_record(EXTERNAL_RUN),
    log:
        FILES.log(f"pretrain/{EXTERNAL_RUN}"),
    wildcard_constraints:
        encoder="[a-z][a-z0-9_]*",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime="10m",
    message:
        "The encoder {wildcards.encoder} as the run of seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/share_encoder.py" --imported $(dirname {input.run}) '
        "--seed {wildcards.seed} --output $(dirname {output.run}) > {log} 2>&1"


def card_starts():
    """The imported encoders that some of the study's were continued from."""
    starts = {split_start(run.source)[1] for run in PLAN.runs}
    return [f"{FILES.imported(start)}/{layout.RUN}" for start in sorted(starts - {""})]


# Not among the inputs of `all`: figures and report need the table alone, a card needs the encoder.
rule model_cards:
    input:
        encoders=encoder_files(),
        runs=[FILES.run_record(run.name) for run in PLAN.runs],
        starts=card_starts(),
    output:
        cards=[FILES.card(run.name) for run in PLAN.runs],
    log:
        FILES.log("model_cards"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        runs=[run.name for run in PLAN.runs],
        pretrain=lambda wildcards: placed(FILES.pretraining("")).rstrip("/"),
        imported=lambda wildcards: placed(FILES.imported("")).rstrip("/"),
    message:
        "Writing the model card next to each encoder"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_model_cards.py" --pretrain {params.pretrain} '
        "--imported {params.imported} --runs {params.runs} > {log} 2>&1"
