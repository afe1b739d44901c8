# Figures read metrics.csv, and paired.csv beside it where it is: with the table alone they can be drawn again, without data, GPU or torch.


rule draw_figure:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        paired=paired_file,
    output:
        multiext(f"{RESULTS}/figures/{{figure}}", ".svg", ".png", ".csv"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        prefix=f"{RESULTS}/figures/{{figure}}",
        modest_gain=modest_gain,
        seed_sd=lambda wildcards: config["findings"]["seed_sd"],
    message:
        "Drawing the figure {wildcards.figure}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_figure.py" --metrics {input.metrics} --figure {wildcards.figure} '
        "{params.modest_gain} --seed-sd {params.seed_sd} --output-prefix {params.prefix} > {log} 2>&1"


rule compare_published:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        paired=paired_file,
    output:
        f"{RESULTS}/published.csv",
    log:
        f"{RESULTS}/logs/figures/compare_published.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        seed_sd=lambda wildcards: config["findings"]["seed_sd"],
    message:
        "Laying the published numbers beside those of the study"
    shell:
        'python "$FOURLENSES_SCRIPTS/compare_published.py" --metrics {input.metrics} --seed-sd {params.seed_sd} --output {output} > {log} 2>&1'


rule figures:
    input:
        figure_files(),
        rules.compare_published.output,
