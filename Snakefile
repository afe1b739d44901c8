# fourlenses: images in, the study's figures out. This file only checks the config, includes the
# rules and names the targets.
from snakemake.utils import min_version

min_version("9.21")


report: "rules/captions/workflow.rst"


include: "rules/module.smk"


configfile: str(PROJECT / "config.yaml")


include: "rules/common.smk"
include: "rules/console.smk"
include: "rules/slurm.smk"
include: "rules/downloads.smk"
include: "rules/datasets.smk"
include: "rules/check.smk"
include: "rules/pretrain.smk"
include: "rules/encoders.smk"
include: "rules/evaluate.smk"
include: "rules/similarity.smk"
include: "rules/figures.smk"
include: "rules/findings.smk"
include: "rules/plan.smk"
include: "rules/pictures.smk"
include: "rules/report.smk"
include: "rules/snakemake_report.smk"
include: "rules/export.smk"


localrules:
    all,
    betons,
    pretrain_all,
    evaluate_all,
    export,
    export_onnx,
    figures,
    findings,
    paired,
    classes,
    pictures,
    report,


rule all:
    default_target: True
    input:
        rules.figures.input,
        rules.findings.input,
        rules.report.input,
        rules.link_pictures.output,


rule betons:
    input:
        beton_files(),


rule pretrain_all:
    input:
        encoder_files(),


rule evaluate_all:
    input:
        record_files(),


rule paired:
    input:
        FILES.paired,
