# What the study says of the paper's findings, and each target's decision card: from metrics.csv
# alone, as figures are.


rule declare_encoders:
    output:
        declared=FILES.declared,
    log:
        FILES.log("declare_encoders"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime="5m",
    params:
        encoders=lambda wildcards: as_json(config["encoders"]),
    message:
        "Writing {output.declared}"
    shell:
        'python "$FOURLENSES_SCRIPTS/declare_encoders.py" --encoders {params.encoders:q} '
        "--output {output.declared} > {log} 2>&1"


rule write_findings:
    input:
        metrics=FILES.metrics,
        paired=paired_file,
        declared=[FILES.declared] if config["encoders"] else [],
    output:
        findings=FILES.findings("json"),
        findings_text=report(
            FILES.findings("md"),
            caption="captions/findings.rst",
            category="Findings",
            labels={"file": "findings"},
        ),
        decision=FILES.decision("json"),
        decision_text=FILES.decision("md"),
        decision_page=report(
            FILES.decision("html"),
            caption="captions/decision.rst",
            category="Answer",
            labels={"page": "decision card"},
        ),
    log:
        FILES.log("write_findings"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        thresholds=lambda wildcards: as_json(config["findings"]),
        labels=LABELS,
    message:
        "Writing {output.findings_text} and {output.decision_text}"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_findings.py" --metrics {input.metrics} '
        "--thresholds {params.thresholds:q} --labels {params.labels:q} --findings {output.findings} "
        "--decision {output.decision} > {log} 2>&1"


rule findings:
    input:
        FILES.findings("json"),
        FILES.findings("md"),
        FILES.decision("json"),
        FILES.decision("md"),
        FILES.decision("html"),
