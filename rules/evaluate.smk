# Every encoder on every target and label size the study asks of it: what features alone decide in one job per encoder (or set of them),
# what trains a network in a job of its own; then all of it into one table.


rule evaluate:
    input:
        encoders=evaluated_encoders,
        runs=evaluated_records,
        betons=ancient(evaluate_betons),
        manifests=evaluate_manifests,
        subsets=evaluate_subsets,
    output:
        cells=f"{RESULTS}/evaluate/{{method}}/{{source}}/seed{{seed}}/cells.json",
        predictions=f"{RESULTS}/evaluate/{{method}}/{{source}}/seed{{seed}}/predictions.npz",
    log:
        f"{RESULTS}/logs/evaluate/{{method}}/{{source}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/logs/evaluate/{{method}}/{{source}}/seed{{seed}}.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        runs=evaluated_directories,
        targets=evaluate_targets_json,
        definitions=definitions_of_targets,
        image_size=config["image_size"],
        settings=evaluation_settings,
        precision=config["evaluation"]["feature_precision"],
        features=f"{RESULTS}/features/{{method}}/{{source}}/seed{{seed}}",
    message:
        "Evaluating {wildcards.method} on {wildcards.source}, seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/evaluate.py" --runs {params.runs:q} --targets {params.targets:q} --image-size {params.image_size} '
        "--settings {params.settings:q} --feature-precision {params.precision} --features {params.features:q} ${{FOURLENSES_KEEP_FEATURES:+--keep-features}} "
        "--device $FOURLENSES_DEVICE --workers {threads} --cells {output.cells:q} --predictions {output.predictions:q} > {log:q} 2>&1"


rule train_evaluate:
    input:
        encoder=trained_encoder,
        beton=ancient(lambda wildcards: beton(wildcards.target)),
        manifest=lambda wildcards: manifest(wildcards.target),
        subset=lambda wildcards: subset(wildcards.target, wildcards.subset, wildcards.seed),
    output:
        record=f"{RESULTS}/evaluate/{{method}}/{{source}}/seed{{seed}}/{{protocol}}/{{target}}/{{subset}}.json",
        predictions=f"{RESULTS}/evaluate/{{method}}/{{source}}/seed{{seed}}/{{protocol}}/{{target}}/{{subset}}.npz",
    log:
        f"{RESULTS}/logs/evaluate/{{method}}/{{source}}/seed{{seed}}/{{protocol}}/{{target}}/{{subset}}.log",
    benchmark:
        f"{RESULTS}/logs/evaluate/{{method}}/{{source}}/seed{{seed}}/{{protocol}}/{{target}}/{{subset}}.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="12h",
    params:
        settings=trained_settings,
        recipe=trained_recipe,
        definition=definition_of_target,
        validation_fraction=config["evaluation"]["validation_fraction"],
        precision=config["training"]["precision"],
        torch_threads=config["torch_threads"],
        checkpoints=f"{RESULTS}/checkpoints/evaluate/{{method}}/{{source}}/seed{{seed}}/{{protocol}}/{{target}}/{{subset}}",
    message:
        "Training {wildcards.protocol} of {wildcards.method} on {wildcards.source}: {wildcards.subset} labels of {wildcards.target}"
    shell:
        'python "$FOURLENSES_SCRIPTS/train_evaluate.py" --protocol {wildcards.protocol} --run $(dirname {input.encoder:q}) --dataset {wildcards.target} '
        "--beton {input.beton:q} --manifest {input.manifest:q} --subset {input.subset:q} --labelled {wildcards.subset} "
        "--settings {params.settings:q} --recipe {params.recipe:q} --validation-fraction {params.validation_fraction} "
        "--precision {params.precision} --torch-threads {params.torch_threads} --record {output.record:q} --predictions {output.predictions:q} "
        "--checkpoints {params.checkpoints:q} --checkpoint-minutes $FOURLENSES_CHECKPOINT_MINUTES "
        '--max-minutes ${{FOURLENSES_MAX_MINUTES:-{resources.runtime}}} ${{FOURLENSES_REQUEUE:+--requeue}} --stage-to "$FOURLENSES_STAGE_TO" '
        "--device $FOURLENSES_DEVICE --processes $FOURLENSES_EVALUATION_PROCESSES --input $FOURLENSES_PRETRAIN_INPUT --workers {threads} > {log:q} 2>&1"


rule write_study:
    output:
        study=f"{RESULTS}/study.json",
    log:
        f"{RESULTS}/logs/write_study.log",
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
        'python "$FOURLENSES_SCRIPTS/write_study.py" --config {params.config:q} --output {output.study} > {log} 2>&1'


rule collect_metrics:
    input:
        study=f"{RESULTS}/study.json",
        records=record_files(),
    output:
        metrics=f"{RESULTS}/metrics.csv",
    log:
        f"{RESULTS}/logs/collect_metrics.log",
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
        'python "$FOURLENSES_SCRIPTS/collect_metrics.py" --study {input.study} --evaluations $(dirname {input.study})/evaluate --output {output.metrics} > {log} 2>&1'


rule collect_paired:
    input:
        study=f"{RESULTS}/study.json",
        records=record_files(),
        predictions=prediction_files(),
        manifests=[manifest(target) for target in targets()],
    output:
        paired=f"{RESULTS}/paired.csv",
    log:
        f"{RESULTS}/logs/collect_paired.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="30m",
    params:
        targets=targets(),
    message:
        "Collecting {output.paired}"
    shell:
        'python "$FOURLENSES_SCRIPTS/collect_paired.py" --study {input.study} --evaluations $(dirname {input.study})/evaluate '
        "--targets {params.targets} --manifests {input.manifests} --output {output.paired} > {log} 2>&1"
