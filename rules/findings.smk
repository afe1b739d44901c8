# What the study says of the paper's findings, and each target's decision card: from metrics.csv alone, as figures are.


rule write_findings:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        paired=paired_file,
    output:
        findings=f"{RESULTS}/findings.json",
        findings_text=f"{RESULTS}/findings.md",
        decision=f"{RESULTS}/decision.json",
        decision_text=f"{RESULTS}/decision.md",
    log:
        f"{RESULTS}/logs/write_findings.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        thresholds=finding_thresholds,
    message:
        "Writing {output.findings_text} and {output.decision_text}"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_findings.py" --metrics {input.metrics} --thresholds {params.thresholds:q} --findings {output.findings} '
        "--decision {output.decision} > {log} 2>&1"


rule findings:
    input:
        f"{RESULTS}/findings.json",
        f"{RESULTS}/findings.md",
        f"{RESULTS}/decision.json",
        f"{RESULTS}/decision.md",
