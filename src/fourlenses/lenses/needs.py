"""What a study has to have for a figure that is not always drawn, with the key of its config.

The report says it where the figure is not there. Figures that are not named here are drawn whenever
their lens has rows in the table.
"""

NEEDS = {
    "quantity_gain": (
        "two sizes at equal steps: quantity.pretrain_images: [1000, 4000] "
        "with quantity.equal: steps"
    ),
    "quantity_saved": (
        "training from scratch on two numbers of labels: "
        "quantity.baselines: [scratch] with quantity.labelled_images: [500, 3000]"
    ),
    "domain_pools": ("two datasets, with as many images each: domain.datasets: [birds, scenes]"),
    "domain_similarity": (
        "two datasets, each pretrained on and evaluated on: domain.datasets: [birds, scenes]"
    ),
    "quality_severity": (
        "two severities of one family: quality.corruptions: [blur_s1, blur_s3, blur_s5]"
    ),
    "granularity_gap": (
        "contrastive and supervised encoders at one level of three labels or "
        "more: granularity.methods: [simclr, supervised]"
    ),
    "methods": ("two contrastive methods on as many images: quantity.methods: [simclr, byol]"),
    "protocols": ("one encoder under two protocols: quantity.protocols: [linear, fine_tune]"),
    "published": (
        "a number that the paper has too: its datasets and sizes under the protocol "
        "linear_augmented, as in studies/paper.yaml"
    ),
}
