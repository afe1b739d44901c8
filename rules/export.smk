# Encoders as folders that other programs read, and as ONNX: docs/guide/use-an-encoder.md. Not among
# the inputs of `all`.
from fourlenses.export.licences import licences_of
from fourlenses.study.vocabulary import RANDOM_INIT

EXPORTED = FILES.exported(RUN)
# what was never trained is of no use to others
TO_EXPORT = [run.name for run in PLAN.runs if run.method != RANDOM_INIT]


def export_start(wildcards):
    _, start = split_start(wildcards.source)
    return [f"{FILES.imported(start)}/{layout.RUN}"] if start else []


rule export_encoder:
    input:
        encoder=FILES.encoder(RUN),
        run=FILES.run_record(RUN),
        start=export_start,
        metrics=FILES.metrics,
        findings=FILES.findings("json"),
        decision=FILES.decision("json"),
    output:
        config=f"{EXPORTED}/config.json",
        weights=f"{EXPORTED}/model.safetensors",
        preprocessor=f"{EXPORTED}/preprocessor_config.json",
        run=f"{EXPORTED}/{layout.RUN}",
        card=report(
            f"{EXPORTED}/{layout.CARD}",
            caption="captions/model_card.rst",
            category="Model cards",
            labels={"encoder": RUN},
        ),
    log:
        FILES.log(f"export/{RUN}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        name=RUN,
        labels=LABELS,
        licences=lambda wildcards: as_json(licences_of(config["datasets"])),
    message:
        "Exporting {wildcards.method} on {wildcards.source}, seed {wildcards.seed}"
    shell:
        'python "$FOURLENSES_SCRIPTS/export_encoder.py" --run $(dirname {input.run}) '
        "--name {params.name} --metrics {input.metrics} --findings {input.findings} "
        "--decision {input.decision} --labels {params.labels:q} "
        "--licences {params.licences:q} --start {input.start} "
        "--output $(dirname {output.config}) > {log} 2>&1"


rule write_onnx:
    input:
        encoder=FILES.encoder(RUN),
        run=FILES.run_record(RUN),
    output:
        onnx=f"{EXPORTED}/model.onnx",
    log:
        FILES.log(f"write_onnx/{RUN}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="10m",
    message:
        "Exporting {wildcards.method} on {wildcards.source}, seed {wildcards.seed}, to ONNX"
    shell:
        'python "$FOURLENSES_SCRIPTS/write_onnx.py" --run $(dirname {input.run}) '
        "--output {output.onnx} > {log} 2>&1"


rule export:
    input:
        [f"{FILES.exported(run)}/{layout.CARD}" for run in TO_EXPORT],


rule export_onnx:
    input:
        rules.export.input,
        [f"{FILES.exported(run)}/model.onnx" for run in TO_EXPORT],
