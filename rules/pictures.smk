# Pictures of the images and numbers of single classes, by choice: `snakemake pictures` and
# `snakemake classes`. The report takes what is there. `all` makes none of it: a picture shows
# images of a dataset, which may not be free to pass on.
from fourlenses.config.encoders import layout_of
from fourlenses.workflow.pictures import compared_encoders, treatments
from fourlenses.study import labels


@functools.cache
def compared(target):
    with labels.using(labels_of(config)):
        return compared_encoders(PLAN, target, config["seeds"][0])


def of_compared(value):
    """An input or parameter of `draw_neighbours`, from each encoder that is compared."""
    return lambda wildcards: [value(wildcards, run) for run in compared(wildcards.target).values()]


def image_treatments(wildcards):
    with labels.using(labels_of(config)):
        return as_json(treatments(PLAN, config, wildcards.dataset))


def image_pictures():
    return [FILES.picture(f"images_{dataset}") for dataset in needs.datasets(PLAN)]


def neighbour_pictures():
    """And the maps, which the same job draws."""
    targets = [target for target in TARGETS if compared(target)]
    return [
        FILES.picture(f"{kind}_{target}") for kind in ("neighbours", "map") for target in targets
    ]


def pictures_there():
    """Those that were made once, for the report. Where the table is all there is, as in a clone,
    they are none of its inputs: nothing is pretrained for them."""
    made = all(is_there(file) for file in prediction_files())
    tables = [FILES.classes, FILES.confusions, FILES.confusion_matrices]
    files = [*image_pictures(), *neighbour_pictures(), *tables]
    return [file for file in files if is_there(file)] if made else []


rule draw_images:
    input:
        beton=ancient(FILES.beton("{dataset}")),
        manifest=layout.manifest("{dataset}"),
    output:
        picture=FILES.picture("images_{dataset}"),
    log:
        FILES.log("pictures/images_{dataset}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        treatments=image_treatments,
        labels=LABELS,
    message:
        "Drawing images of {wildcards.dataset}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_images.py" --dataset {wildcards.dataset} '
        "--beton {input.beton} --manifest {input.manifest} --treatments {params.treatments:q} "
        "--labels {params.labels:q} --output {output.picture} > {log} 2>&1"


rule draw_neighbours:
    input:
        encoders=of_compared(lambda wildcards, run: FILES.encoder(run.name)),
        betons=ancient(
            of_compared(lambda wildcards, run: layout_of(config, run).beton(wildcards.target))
        ),
        manifest=layout.manifest("{target}"),
    output:
        picture=FILES.picture("neighbours_{target}"),
        map=FILES.picture("map_{target}"),
    log:
        FILES.log("pictures/neighbours_{target}"),
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="2h",
    params:
        runs=of_compared(lambda wildcards, run: placed(FILES.pretraining(run.name))),
        names=lambda wildcards: list(compared(wildcards.target)),
        labels=LABELS,
    message:
        "Drawing nearest neighbours and a map of features on {wildcards.target}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_neighbours.py" --dataset {wildcards.target} '
        "--manifest {input.manifest} --names {params.names:q} --runs {params.runs} "
        "--betons {input.betons} --device $FOURLENSES_DEVICE --workers {threads} "
        "--labels {params.labels:q} --output {output.picture} --map {output.map} > {log} 2>&1"


rule collect_classes:
    input:
        study=study_file,
        records=record_files(),
        predictions=prediction_files(),
        manifests=[layout.manifest(target) for target in TARGETS],
    output:
        classes=FILES.classes,
        confusions=FILES.confusions,
        matrices=FILES.confusion_matrices,
    log:
        FILES.log("collect_classes"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime="30m",
    params:
        targets=TARGETS,
    message:
        "Collecting {output.classes} and {output.confusions}"
    shell:
        'python "$FOURLENSES_SCRIPTS/collect_classes.py" --study {input.study} '
        "--evaluations $(dirname {input.study})/evaluate --targets {params.targets} "
        "--manifests {input.manifests} --classes {output.classes} "
        "--confusions {output.confusions} --matrices {output.matrices} > {log} 2>&1"


rule pictures:
    input:
        image_pictures(),
        neighbour_pictures(),


rule classes:
    input:
        rules.collect_classes.output,
