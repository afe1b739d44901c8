# One encoder per method, source and seed. Checkpoints live in an undeclared directory, because Snakemake deletes the outputs of failed
# jobs; the declared outputs appear whole, at the end. Betons are `ancient`: a touched file must not restart weeks of training.


rule pretrain:
    input:
        betons=ancient(pretrain_betons),
        subsets=pretrain_subsets,
    output:
        encoder=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/encoder.safetensors",
        head=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/head.safetensors",
        history=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/history.csv",
        run=f"{RESULTS}/pretrain/{{method}}/{{source}}/seed{{seed}}/run.json",
    log:
        f"{RESULTS}/logs/pretrain/{{method}}/{{source}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/logs/pretrain/{{method}}/{{source}}/seed{{seed}}.benchmark.tsv"
    wildcard_constraints:
        source="[a-z0-9_@+-]+",  # one encoder, where an evaluation may be of several
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="12h",
    params:
        settings=pretrain_settings,
        definitions=definitions_of,
        datasets=pretrain_datasets,
        checkpoints=f"{RESULTS}/checkpoints/{{method}}/{{source}}/seed{{seed}}",
    message:
        "Pretraining {wildcards.method} on {wildcards.source}, seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/pretrain.py" --settings {params.settings:q} --betons {input.betons} --subsets {input.subsets} '
        "--datasets {params.datasets} --output $(dirname {output.encoder}) "
        "--checkpoints {params.checkpoints} --checkpoint-minutes $FOURLENSES_CHECKPOINT_MINUTES "
        '--max-minutes ${{FOURLENSES_MAX_MINUTES:-{resources.runtime}}} ${{FOURLENSES_REQUEUE:+--requeue}} --stage-to "$FOURLENSES_STAGE_TO" '
        "--device $FOURLENSES_DEVICE --processes $FOURLENSES_PROCESSES --input $FOURLENSES_PRETRAIN_INPUT --workers {threads} > {log} 2>&1"
