# Pictures in Snakemake's own report (`snakemake --report report.zip`), which shows outputs alone: a
# folder of links to those that were drawn, as a figure without numbers has none. Everything else in
# that report is flagged where its rule stands.
from fourlenses.lenses.captions import caption_of, place_of
from fourlenses.study.vocabulary import LENSES

# one file a figure, in the first of these formats that the study has
PICTURE = next(kind for kind in ("svg", "png", "pdf") if kind in config["figures"]["formats"])


def lens_question(wildcards):
    """What the lens of a figure asks; figures of no lens are of the whole study."""
    lens, _ = place_of(wildcards.figure)
    return LENSES[lens].question if lens in LENSES else "The whole study"


rule link_pictures:
    input:
        tables=figure_files(),
    output:
        report(
            directory(FILES.linked_pictures),
            patterns=[f"{{figure}}.{PICTURE}"],
            caption="captions/figure.rst",
            category="Figures",
            subcategory=lens_question,
            labels={"figure": "{figure}"},
        ),
    log:
        FILES.log("link_pictures"),
    localrule: True
    conda:
        "../envs/fourlenses.yaml"
    threads: 1
    resources:
        mem_mb=100,
        runtime="5m",
    params:
        pictures=lambda wildcards, input: sorted(
            {f"{os.path.splitext(table)[0]}.{PICTURE}" for table in input.tables}
        ),
        captions={name: caption_of(name) for name in FIGURES},
    message:
        "Linking the pictures for Snakemake's report"
    shell:
        "{{ mkdir -p {output}; for picture in {params.pictures}; do "
        'if [ -e "$picture" ]; then cp -l "$picture" {output}/ || cp "$picture" {output}/; fi; '
        "done; }} > {log} 2>&1"
