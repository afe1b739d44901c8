"""The questions that a decision card answers. Standard library only: the report imports it."""

# The question of a card's line -> its heading in the report, in the order of a card.
HEADINGS = {
    "contest": "Pretraining or labels alone",
    "labels": "Over the label sizes",
    "downloaded": "A downloaded encoder or one's own pretraining",
    "level": "Unlabelled images to draw level with a downloaded encoder",
    "continued": "A downloaded encoder, continued on one's own images",
    "encoder": "What is declared of downloaded encoders",
    "doubling": "Twice the unlabelled images",
    "added": "Images of another domain added to one's own",
    "pool": "A pool with another domain instead of as many own images",
    "other_encoder": "An encoder of another domain",
    "corruption": "Corrupted pretraining images",
}
