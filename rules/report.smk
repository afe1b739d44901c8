# One HTML file with all that a study has: docs/guide/report.md. Runs and the images' records are
# looked for and no inputs: a study of which only the table is there has a report too, and nothing
# is pretrained for it.


rule write_report:
    input:
        metrics=FILES.metrics,
        figures=figure_files(),
        findings=rules.findings.input,
        published=rules.compare_published.output,
        pictures=pictures_there(),
    output:
        report=report(
            FILES.report,
            caption="captions/page.rst",
            category="Answer",
            labels={"page": "everything on one page"},
        ),
    log:
        FILES.log("write_report"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        data=placed(layout.DATA),
        labels=LABELS,
    message:
        "Writing {output.report}"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_report.py" --metrics {input.metrics} '
        "--data {params.data} --labels {params.labels:q} --output {output.report} > {log} 2>&1"


rule report:
    input:
        rules.write_report.output.report,
