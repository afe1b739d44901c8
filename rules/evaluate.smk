# Every encoder on every target and number of labels that the study asks for: what features alone
# decide in one job for each encoder (or set of them), what trains a network in a job of its own;
# then all of it into one table.
import hashlib

from fourlenses.config.encoders import layout_of
from fourlenses.config.job_settings import (
    feature_protocol_settings,
    protocol_augmentation,
    protocol_settings,
)
from fourlenses.config.placement import science_of


@functools.cache
def record_files():
    return [FILES.evaluation(record) for record in PLAN.records]


@functools.cache
def prediction_files():
    """The predicted class of every test image, next to each record."""
    return [FILES.evaluation(layout.predictions_of(record)) for record in PLAN.records]


# --- on features ---------------------------------------------------------------------------------
@functools.cache
def evaluation_targets(run):
    return needs.evaluation_targets(PLAN, config, run)


def of_targets(value):
    """An input or parameter of `evaluate`, from its targets: they are computed once for a job."""
    return signed(lambda wildcards: value(evaluation_targets(run_of(wildcards))))


def of_encoders(path):
    """A path of each encoder whose features are evaluated: one, or several, concatenated."""
    return signed(lambda wildcards: [path(encoder.name) for encoder in run_of(wildcards).encoders])


@signed
def evaluation_memory(wildcards, attempt):
    return attempts_grow(needs.evaluation_memory(config, run_of(wildcards)), attempt)


rule evaluate:
    input:
        encoders=of_encoders(FILES.encoder),
        # written by the job that writes the encoder, whose time counts: a clone has the records of a
        # committed study, newer than its table, and no encoder
        runs=ancient(of_encoders(FILES.run_record)),
        betons=ancient(of_targets(needs.beton_files)),
        manifests=of_targets(lambda targets: [target["manifest"] for target in targets]),
        subsets=of_targets(needs.label_files),
    output:
        cells=FILES.evaluation(layout.feature_record(RUN)),
        predictions=FILES.evaluation(layout.predictions_of(layout.feature_record(RUN))),
    log:
        FILES.log(f"evaluate/{RUN}"),
    benchmark:
        FILES.benchmark(f"evaluate/{RUN}")
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        # for a profile that says nothing: profiles/slurm asks for more
        mem_mb=evaluation_memory,
        runtime=growing(240),
    params:
        runs=of_encoders(lambda run: placed(FILES.pretraining(run))),
        targets=of_targets(lambda targets: json.dumps(needs.placed_targets(targets, placed))),
        definitions=of_targets(
            lambda targets: [dataset_definition(target["dataset"]) for target in targets]
        ),
        settings=as_json(feature_protocol_settings(config)),
        precision=config["evaluation"]["feature_precision"],
        features=placed(FILES.features(RUN)),
    message:
        "Evaluating {wildcards.method} on {wildcards.source}, seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/evaluate.py" --runs {params.runs:q} '
        "--targets {params.targets:q} --settings {params.settings:q} "
        "--feature-precision {params.precision} "
        "--features {params.features:q} ${{FOURLENSES_KEEP_FEATURES:+--keep-features}} "
        "--device $FOURLENSES_DEVICE --workers {threads} --cells {output.cells:q} "
        "--predictions {output.predictions:q} > {log:q} 2>&1"


# --- by training ---------------------------------------------------------------------------------
TRAINING_JOB = f"evaluate/{layout.job_of(TRAINING)}"


def starting_run(wildcards):
    return needs.starting_run(run_of(wildcards), wildcards.protocol)


@signed
def starting_encoder(wildcards):
    return FILES.encoder(starting_run(wildcards).name)


@signed
def target_beton(wildcards):
    return layout_of(config, starting_run(wildcards)).beton(wildcards.target)


@signed
def target_subset(wildcards):
    files = layout_of(config, starting_run(wildcards))
    return files.subset(wildcards.target, wildcards.subset, wildcards.seed)


@functools.cache
def settings_of_protocol(protocol):
    return as_json(protocol_settings(config, protocol))


@functools.cache
def augmentation_of_protocol(protocol):
    return as_json(protocol_augmentation(config, protocol))


@signed
def training_settings(wildcards):
    return settings_of_protocol(wildcards.protocol)


@signed
def training_augmentation(wildcards):
    return augmentation_of_protocol(wildcards.protocol)


rule train_evaluate:
    input:
        encoder=starting_encoder,
        beton=ancient(target_beton),
        manifest=layout.manifest("{target}"),
        subset=target_subset,
    output:
        record=FILES.evaluation(TRAINING),
        predictions=FILES.evaluation(layout.predictions_of(TRAINING)),
    log:
        FILES.log(TRAINING_JOB),
    benchmark:
        FILES.benchmark(TRAINING_JOB)
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        # for a profile that says nothing: profiles/slurm asks for more, by processes
        mem_mb=8000,
        runtime="12h",
    params:
        settings=training_settings,
        recipe=training_augmentation,
        definition=signed(lambda wildcards: dataset_definition(wildcards.target)),
        validation_fraction=config["evaluation"]["validation_fraction"],
        precision=config["training"]["precision"],
        torch_threads=config["torch_threads"],
        checkpoints=placed(FILES.checkpoints(TRAINING_JOB)),
    message:
        "Training {wildcards.protocol} of {wildcards.method} on {wildcards.source}: {wildcards.subset} labels of {wildcards.target}; watch it: "
        + WATCH
    shell:
        'python "$FOURLENSES_SCRIPTS/train_evaluate.py" --protocol {wildcards.protocol} '
        "--run $(dirname {input.encoder:q}) --dataset {wildcards.target} --beton {input.beton:q} "
        "--manifest {input.manifest:q} --subset {input.subset:q} --labelled {wildcards.subset} "
        "--settings {params.settings:q} --recipe {params.recipe:q} "
        "--validation-fraction {params.validation_fraction} --precision {params.precision} "
        "--torch-threads {params.torch_threads} --record {output.record:q} "
        "--predictions {output.predictions:q} --checkpoints {params.checkpoints:q} "
        "--checkpoint-minutes $FOURLENSES_CHECKPOINT_MINUTES "
        "--max-minutes ${{FOURLENSES_MAX_MINUTES:-{resources.runtime}}} "
        '${{FOURLENSES_REQUEUE:+--requeue}} --stage-to "$FOURLENSES_STAGE_TO" '
        "--device $FOURLENSES_DEVICE --processes $FOURLENSES_EVALUATION_PROCESSES "
        "--input $FOURLENSES_PRETRAIN_INPUT --workers {threads} > {log:q} 2>&1"


# --- the table -----------------------------------------------------------------------------------
def study_config(wildcards):
    """The config that the plan was made from, without placement and thresholds of findings."""
    return as_json(science_of(config))


def plan_sha256(wildcards):
    return hashlib.sha256(json.dumps(PLAN.as_json()).encode()).hexdigest()


def study_file(wildcards):
    """The record of the study. In a clone, which has it and the table but no evaluation, whichever
    of the two files is newer says nothing."""
    evaluated = any(is_there(file) for file in record_files())
    table_alone = is_there(FILES.metrics) and not evaluated
    return ancient(FILES.study_record) if table_alone else FILES.study_record


def paired_file(wildcards):
    """The paired intervals, where they are there or can be had from the predictions.

    With the table alone nothing is run to get them: what reads the table does without.
    """
    made = all(is_there(file) for file in prediction_files())
    table_alone = is_there(FILES.metrics) and not made
    return [FILES.paired] if is_there(FILES.paired) or not table_alone else []


rule write_study:
    output:
        study=FILES.study_record,
    log:
        FILES.log("write_study"),
    priority: 100  # first of all jobs, so that `make status` knows the plan from the start
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime="5m",
    params:
        config=study_config,
        plan=plan_sha256,  # the same config may make another plan after an update
    message:
        "Recording the plan of the study"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_study.py" --config {params.config:q} '
        "--output {output.study} > {log} 2>&1"


rule collect_metrics:
    input:
        study=study_file,
        records=record_files(),
    output:
        metrics=report(
            FILES.metrics,
            caption="captions/metrics.rst",
            category="Numbers",
            labels={"table": "metrics"},
        ),
    log:
        FILES.log("collect_metrics"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    message:
        "Collecting {output.metrics}"
    shell:
        'python "$FOURLENSES_SCRIPTS/collect_metrics.py" --study {input.study} '
        "--evaluations $(dirname {input.study})/evaluate --output {output.metrics} > {log} 2>&1"


rule collect_paired:
    input:
        study=study_file,
        records=record_files(),
        predictions=prediction_files(),
        manifests=[layout.manifest(target) for target in TARGETS],
    output:
        paired=FILES.paired,
    log:
        FILES.log("collect_paired"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="30m",
    params:
        targets=TARGETS,
    message:
        "Collecting {output.paired}"
    shell:
        'python "$FOURLENSES_SCRIPTS/collect_paired.py" --study {input.study} '
        "--evaluations $(dirname {input.study})/evaluate --targets {params.targets} "
        "--manifests {input.manifests} --output {output.paired} > {log} 2>&1"
