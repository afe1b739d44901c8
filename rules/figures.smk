# Figures read metrics.csv, and paired.csv next to it where it is there: with the table alone they
# can be drawn again, without data, GPU or torch. The output is the CSV of the numbers drawn. The
# pictures next to it are none: where the table has nothing for a figure, there is no picture. One
# that was drawn and is gone is the output of a rule of its own.
from fourlenses.lenses.plan import figure_names
from fourlenses.study.vocabulary import FIGURES
from fourlenses.workflow.lost_pictures import lost_pictures


def figure_files():
    names = figure_names(config) + ([SIMILARITY_FIGURE] if asks_similarity() else [])
    lost = lost_pictures(FILES, names, config["figures"]["formats"], root=Path(placed(".")))
    return [FILES.figure(name) for name in names] + lost


def figure_thresholds(wildcards):
    """Those that the figure marks, so that no other is drawn again when one changes."""
    return as_json({key: config["findings"][key] for key in FIGURES[wildcards.figure].thresholds})


rule draw_figure:
    input:
        metrics=FILES.metrics,
        paired=paired_file,
    output:
        report(
            FILES.figure("{figure}"),
            caption="captions/figure_numbers.rst",
            category="Numbers",
            labels={"table": "figure {figure}"},
        ),
    log:
        FILES.log("figures/{figure}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        prefix=placed(f"{FILES.figures}/{{figure}}"),
        thresholds=figure_thresholds,
        look=as_json(config["figures"]),
        labels=LABELS,
        seed_sd=lambda wildcards: config["findings"]["seed_sd"],
    message:
        "Drawing the figure {wildcards.figure}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_figure.py" --metrics {input.metrics} '
        "--figure {wildcards.figure} --thresholds {params.thresholds:q} "
        "--look {params.look:q} --labels {params.labels:q} "
        "--seed-sd {params.seed_sd} --output-prefix {params.prefix} > {log} 2>&1"


use rule draw_figure as draw_lost_pictures with:
    output:
        FILES.drawn("{figure}", config["figures"]["formats"]),
    log:
        FILES.log("figures/{figure}_pictures"),
    message:
        "Drawing the pictures of the figure {wildcards.figure} again"


rule compare_published:
    input:
        metrics=FILES.metrics,
        paired=paired_file,
    output:
        report(
            FILES.published,
            caption="captions/published.rst",
            category="Numbers",
            labels={"table": "compared with the paper"},
        ),
    log:
        FILES.log("figures/compare_published"),
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
        "Comparing the study with the published numbers"
    shell:
        'python "$FOURLENSES_SCRIPTS/compare_published.py" --metrics {input.metrics} '
        "--seed-sd {params.seed_sd} --output {output} > {log} 2>&1"


rule figures:
    input:
        figure_files(),
        rules.compare_published.output,
