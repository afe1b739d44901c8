# The cost of the study, before it is paid, and what it can settle: docs/guide/plan.md. Nothing is declared as an output,
# so that each call computes it again: what is done meanwhile is subtracted.


def whole_config(wildcards):
    return json.dumps(config)


def asking(wildcards):
    """With what Snakemake is to be asked which outputs are out of date; nothing in a module, whose
    config is another workflow's."""
    if IN_MODULE:
        return "null"
    overlays = [str(file) for file in CONFIG_FILES[1:]]
    return json.dumps({"overlays": overlays, **snakemake_internals.asking_options(workflow)})


def asked_memory(wildcards):
    return json.dumps(snakemake_internals.asked_memory(workflow))


rule plan:
    log:
        FILES.log("plan"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="5m",
    params:
        config=whole_config,
        asking=asking,
        memory=asked_memory,
        prefix=placed(FILES.plan),
        root=placed("."),
        power=placed(FILES.power),
    message:
        "Planning {params.prefix}.md, .csv, .svg and .png, {params.power}.md and .csv"
    shell:
        'python "$FOURLENSES_SCRIPTS/plan_study.py" --config {params.config:q} '
        "--ask-snakemake {params.asking:q} --asked-memory {params.memory:q} --directory {params.root} "
        "--output-prefix {params.prefix} --power-prefix {params.power} 2> {log}"


# The plan next to what finished runs took.
rule plan_check:
    log:
        FILES.log("plan_check"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="5m",
    params:
        config=whole_config,
        memory=asked_memory,
        results=placed(FILES.results),
    message:
        "Comparing the plan with {params.results}"
    shell:
        'python "$FOURLENSES_SCRIPTS/plan_study.py" --config {params.config:q} '
        "--asked-memory {params.memory:q} --check {params.results} 2> {log}"


# Not local: on a cluster it measures the machine that pretraining is sent to.
rule calibrate:
    log:
        FILES.log("calibrate"),
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        # for a profile that says nothing: profiles/slurm asks for more
        mem_mb=8000,
        runtime="30m",
    params:
        config=whole_config,
    message:
        "Measuring this machine's images per second, to data/calibration/"
    shell:
        'python "$FOURLENSES_SCRIPTS/calibrate.py" --config {params.config:q} 2>&1 | tee {log}'
