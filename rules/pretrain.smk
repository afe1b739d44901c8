# One encoder for each method, source and seed. Checkpoints live in an undeclared directory,
# because Snakemake deletes the outputs of failed jobs; the declared outputs appear whole, at the
# end. Betons are `ancient`: a touched file must not restart weeks of training.
from fourlenses.config.encoders import layout_of
from fourlenses.config.job_settings import pretraining_settings
from fourlenses.slurm.inside_job import node_resources
from fourlenses.study import parse_source
from fourlenses.study.smaller import smaller_run
from fourlenses.study.vocabulary import EXTERNAL


@functools.cache
def encoder_files():
    return [FILES.encoder(run.name) for run in PLAN.runs]


@signed
def pretrain_datasets(wildcards):
    return [part.dataset for part in parse_source(wildcards.source)]


@signed
def pretrain_betons(wildcards):
    files = layout_of(config, run_of(wildcards))
    return [files.beton(part.dataset, part.variant) for part in parse_source(wildcards.source)]


@signed
def pretrain_subsets(wildcards):
    files = layout_of(config, run_of(wildcards))
    return [
        files.subset(part.dataset, part.images, wildcards.seed)
        for part in parse_source(wildcards.source)
    ]


@signed
def pretrain_start(wildcards):
    """The files of the encoder that is continued, if one is: imported, or of fewer images."""
    if smaller := smaller_run(config["methods"], run_of(wildcards)):
        return [FILES.encoder(smaller.name), FILES.run_record(smaller.name)]
    start = config["methods"][wildcards.method].get("start")
    files = (layout.ENCODER, layout.RUN) if start else ()
    return [f"{FILES.imported(start)}/{name}" for name in files]


@signed
def pretrain_settings(wildcards):
    run = run_of(wildcards)
    settings = pretraining_settings(config, method=run.method, source=run.source, seed=run.seed)
    return as_json(settings)


@signed
def pretrain_definitions(wildcards):
    return [dataset_definition(dataset) for dataset in pretrain_datasets(wildcards)]


rule pretrain:
    input:
        betons=ancient(pretrain_betons),
        subsets=pretrain_subsets,
        start=pretrain_start,
    output:
        encoder=FILES.encoder(RUN),
        head=FILES.head(RUN),
        history=FILES.history(RUN),
        run=FILES.run_record(RUN),
    log:
        FILES.log(f"pretrain/{RUN}"),
    benchmark:
        FILES.benchmark(f"pretrain/{RUN}")
    wildcard_constraints:
        # one encoder, where an evaluation may be of several; not an external one: encoders.smk
        source="[a-z0-9_@+.-]+",
        method=f"(?!{EXTERNAL}/)[a-z][a-z0-9_]*",
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        **node_resources(config["training"]["nodes"]),
        # for a profile that says nothing: profiles/slurm asks for more, by processes
        mem_mb=8000,
        runtime="12h",
    params:
        settings=pretrain_settings,
        definitions=pretrain_definitions,
        datasets=pretrain_datasets,
        checkpoints=placed(FILES.checkpoints(RUN)),
    message:
        "Pretraining {wildcards.method} on {wildcards.source}, seed {wildcards.seed}; watch it: "
        + WATCH
    shell:
        'python "$FOURLENSES_SCRIPTS/pretrain.py" --settings {params.settings:q} '
        "--betons {input.betons} --subsets {input.subsets} --datasets {params.datasets} "
        "--start {input.start} "
        "--output $(dirname {output.encoder}) --checkpoints {params.checkpoints} "
        "--checkpoint-minutes $FOURLENSES_CHECKPOINT_MINUTES "
        "--max-minutes ${{FOURLENSES_MAX_MINUTES:-{resources.runtime}}} "
        '${{FOURLENSES_REQUEUE:+--requeue}} --stage-to "$FOURLENSES_STAGE_TO" '
        "--device $FOURLENSES_DEVICE --processes $FOURLENSES_PROCESSES "
        "--input $FOURLENSES_PRETRAIN_INPUT --workers {threads} > {log} 2>&1"
