# How far the datasets of the domain lens lie from each other, by encoders that were never
# trained; and the figure that compares transfer with it.
from fourlenses.study.vocabulary import RANDOM_INIT, SIMILARITY_FIGURE

SIMILARITY_DATASETS = sorted(config["domain"]["datasets"])
SIMILARITY_RUNS = [Run(RANDOM_INIT, "none", seed).name for seed in config["seeds"]]
SIMILARITY_ENCODERS = [FILES.encoder(run) for run in SIMILARITY_RUNS]
SIMILARITY_BETONS = [FILES.beton(dataset) for dataset in SIMILARITY_DATASETS]


def asks_similarity():
    """Decide whether the figure is drawn.

    Never where it would make a study again whose table is there, say in a clone.
    """
    if "domain" not in config["lenses"] or len(SIMILARITY_DATASETS) < 2:
        return False
    if is_there(FILES.similarity) or not is_there(FILES.metrics):
        return True
    return all(is_there(file) for file in [*SIMILARITY_ENCODERS, *SIMILARITY_BETONS])


rule measure_similarity:
    input:
        encoders=SIMILARITY_ENCODERS,
        runs=ancient([FILES.run_record(run) for run in SIMILARITY_RUNS]),
        betons=ancient(SIMILARITY_BETONS),
        manifests=[layout.manifest(dataset) for dataset in SIMILARITY_DATASETS],
    output:
        similarity=FILES.similarity,
    log:
        FILES.log("measure_similarity"),
    benchmark:
        FILES.benchmark("measure_similarity")
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="1h",
    params:
        runs=[placed(FILES.pretraining(run)) for run in SIMILARITY_RUNS],
        datasets=SIMILARITY_DATASETS,
        torch_threads=config["torch_threads"],
    message:
        "Measuring how far the datasets of the domain lens lie from each other"
    shell:
        'python "$FOURLENSES_SCRIPTS/measure_similarity.py" --runs {params.runs:q} '
        "--datasets {params.datasets} --betons {input.betons} --manifests {input.manifests} "
        "--torch-threads {params.torch_threads} --device $FOURLENSES_DEVICE --workers {threads} --output {output.similarity} > {log} "
        "2>&1"


rule draw_similarity:
    input:
        metrics=FILES.metrics,
        similarity=FILES.similarity,
        paired=paired_file,
    output:
        report(
            FILES.figure(SIMILARITY_FIGURE),
            caption="captions/similarity_numbers.rst",
            category="Numbers",
            labels={"table": f"figure {SIMILARITY_FIGURE}"},
        ),
    log:
        FILES.log(f"figures/{SIMILARITY_FIGURE}"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        figure=SIMILARITY_FIGURE,
        look=as_json(config["figures"]),
        labels=LABELS,
        seed_sd=lambda wildcards: config["findings"]["seed_sd"],
        prefix=lambda wildcards, output: os.path.splitext(output[0])[0],
    message:
        "Drawing the figure {params.figure}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_figure.py" --metrics {input.metrics} '
        "--table {input.similarity} --figure {params.figure} --seed-sd {params.seed_sd} "
        "--look {params.look:q} --labels {params.labels:q} "
        "--output-prefix {params.prefix} > {log} 2>&1"


use rule draw_similarity as draw_lost_similarity with:
    output:
        FILES.drawn(SIMILARITY_FIGURE, config["figures"]["formats"]),
    log:
        FILES.log(f"figures/{SIMILARITY_FIGURE}_pictures"),
    message:
        "Drawing the pictures of the figure {params.figure} again"
