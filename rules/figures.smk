# Figures read metrics.csv and nothing else: with the table alone they can be drawn again, without data, GPU or torch.


rule draw_figure:
    input:
        metrics=f"{RESULTS}/metrics.csv",
    output:
        multiext(f"{RESULTS}/figures/{{lens}}", ".svg", ".png", ".csv"),
    log:
        f"{RESULTS}/logs/figures/{{lens}}.log",
    conda:
        "../envs/fourlenses.yaml"
    localrule: True
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    message:
        "Drawing the {wildcards.lens} lens"
    shell:
        "python {SCRIPTS}/draw_figure.py --metrics {input.metrics} --lens {wildcards.lens} "
        "--output-prefix {RESULTS}/figures/{wildcards.lens} > {log} 2>&1"


rule figures:
    input:
        figure_files(),
