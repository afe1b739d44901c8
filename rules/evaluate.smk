# Every encoder on every target and label size the study asks of it, in one job per encoder; then all of it into one table.


rule evaluate:
    input:
        encoder=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/encoder.safetensors",
        head=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/head.safetensors",
        run=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/run.json",
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
        mem_mb=8000,
        runtime="4h",
    params:
        targets=evaluate_targets_json,
        definitions=definitions_of_targets,
        image_size=config["image_size"],
        strengths=config["evaluation"]["strengths"],
        validation_fraction=config["evaluation"]["validation_fraction"],
        torch_threads=config["torch_threads"],
    message:
        "Evaluating {wildcards.method} on {wildcards.source}, seed {wildcards.seed}"
    shell:
        'python "$SCRIPTS/evaluate.py" --run $(dirname {input.encoder}) --targets {params.targets:q} --image-size {params.image_size} '
        "--strengths {params.strengths} --validation-fraction {params.validation_fraction} --torch-threads {params.torch_threads} "
        "--device $DEVICE --workers {threads} --cells {output.cells} --predictions {output.predictions} > {log} 2>&1"


rule write_study:
    output:
        study=f"{RESULTS}/study.json",
    log:
        f"{RESULTS}/logs/write_study.log",
    localrule: True
    threads: 1
    resources:
        mem_mb=100,
        runtime="5m",
    params:
        record=study_record,
    message:
        "Recording the plan of the study"
    run:
        write_json(output.study, json.loads(params.record))


rule collect_metrics:
    input:
        study=f"{RESULTS}/study.json",
        cells=cell_files(),
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
        'python "$SCRIPTS/collect_metrics.py" --study {input.study} --evaluations $(dirname {input.study})/evaluate --output {output.metrics} > {log} 2>&1'
