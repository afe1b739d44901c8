# An example of a dataset with a rule of its own, to be run, read and copied. All of it:
#     rules/datasets/example_shapes.smk             this file: the rule that lists the images
#     workflow_scripts/datasets/example_shapes.py   its program
#     studies/example_shapes.yaml                   the study: where images and list lie
#     tests/datasets/test_example_shapes.py         the contract that the dataset keeps
# Run it, two minutes on two cores:
#     snakemake all --cores 2 --workflow-profile profiles/local \
#         --configfile studies/example_shapes.yaml
# Start your own: make new-dataset NAME=mine. See docs/guide/add-a-dataset.md.
#
# Here the rule also makes the images. Where yours are there already, `images` is no output, the
# program gets --raw-data "$FOURLENSES_RAW_DATA", and lists what lies there.


rule draw_example_shapes:
    output:
        images="data/example_shapes/images.zip",
        rows="data/example_shapes/rows.parquet",
    log:
        "data/example_shapes/logs/draw_example_shapes.log",
    benchmark:
        "data/example_shapes/logs/draw_example_shapes.benchmark.tsv"
    conda:
        "../../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        # all that changes the images: another number here draws them again, and what was
        # made of them
        images_per_class=100,
        seed=0,
    message:
        "Drawing the images of example_shapes"
    shell:
        'python "$FOURLENSES_SCRIPTS/datasets/example_shapes.py" '
        "--images-per-class {params.images_per_class} --seed {params.seed} "
        "--archive {output.images} --rows {output.rows} > {log} 2>&1"
