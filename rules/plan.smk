# What the study would cost, before it is paid for: docs/guide/plan.md. Nothing is declared as an output, so that asking again reckons again:
# what is done meanwhile is subtracted.


rule plan:
    log:
        f"{RESULTS}/logs/plan.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="5m",
    params:
        config=json.dumps(config),
        prefix=f"{RESULTS}/plan",
    message:
        "Planning {params.prefix}.md, .csv, .svg and .png"
    shell:
        'python "$FOURLENSES_SCRIPTS/plan_study.py" --config {params.config:q} --output-prefix {params.prefix} 2> {log}'


# The plan beside what finished runs took.
rule plan_check:
    log:
        f"{RESULTS}/logs/plan_check.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="5m",
    params:
        config=json.dumps(config),
        results=RESULTS,
    message:
        "Comparing the plan with {params.results}"
    shell:
        'python "$FOURLENSES_SCRIPTS/plan_study.py" --config {params.config:q} --check {params.results} 2> {log}'


# Not local: on a cluster it measures the machine that pretraining is sent to.
rule calibrate:
    log:
        f"{RESULTS}/logs/calibrate.log",
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="30m",
    params:
        config=json.dumps(config),
    message:
        "Measuring this machine's images per second, to data/calibration/"
    shell:
        'python "$FOURLENSES_SCRIPTS/calibrate.py" --config {params.config:q} > {log} 2>&1'
