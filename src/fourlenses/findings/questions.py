"""The questions that a decision card answers. Standard library only: the report imports it."""

# The question of a card's line -> its heading in the report, in the order of a card.
HEADINGS = {
    "contest": "Pretraining or labels alone",
    "labels": "Over the label sizes",
    "doubling": "Twice the unlabelled images",
    "added": "Images of another domain added to one's own",
    "pool": "A pool with another domain instead of as many own images",
    "other_encoder": "An encoder of another domain",
    "corruption": "Corrupted pretraining images",
}
