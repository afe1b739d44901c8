# How far the datasets of the domain lens lie from each other, by encoders that were never trained; and the figure that lays transfer beside it.


rule measure_similarity:
    input:
        encoders=similarity_encoders(),
        runs=[f"{directory}/run.json" for directory in similarity_runs()],
        betons=ancient([beton(dataset) for dataset in similarity_datasets()]),
        manifests=[manifest(dataset) for dataset in similarity_datasets()],
    output:
        similarity=f"{RESULTS}/similarity.csv",
    log:
        f"{RESULTS}/logs/measure_similarity.log",
    benchmark:
        f"{RESULTS}/logs/measure_similarity.benchmark.tsv"
    conda:
        "../envs/fourlenses.yaml"
    threads: config["torch_threads"]
    resources:
        mem_mb=8000,
        runtime="1h",
    params:
        runs=similarity_runs(),
        domains=similarity_domains(),
        image_size=config["image_size"],
        torch_threads=config["torch_threads"],
    message:
        "Measuring how far the datasets of the domain lens lie from each other"
    shell:
        'python "$FOURLENSES_SCRIPTS/measure_similarity.py" --runs {params.runs:q} --domains {params.domains:q} --image-size {params.image_size} '
        "--torch-threads {params.torch_threads} --device $FOURLENSES_DEVICE --workers {threads} --output {output.similarity} > {log} 2>&1"


rule draw_similarity:
    input:
        metrics=f"{RESULTS}/metrics.csv",
        similarity=f"{RESULTS}/similarity.csv",
        paired=paired_file,
    output:
        multiext(f"{RESULTS}/figures/{SIMILARITY_FIGURE}", ".svg", ".png", ".csv"),
    log:
        f"{RESULTS}/logs/figures/{SIMILARITY_FIGURE}.log",
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        figure=SIMILARITY_FIGURE,
        seed_sd=lambda wildcards: config["findings"]["seed_sd"],
        prefix=lambda wildcards, output: os.path.splitext(output[0])[0],
    message:
        "Drawing the figure {params.figure}"
    shell:
        'python "$FOURLENSES_SCRIPTS/draw_figure.py" --metrics {input.metrics} --similarity {input.similarity} --figure {params.figure} '
        "--seed-sd {params.seed_sd} "
        "--output-prefix {params.prefix} > {log} 2>&1"
