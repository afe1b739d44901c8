import itertools

from fourlenses.data.manifest.wordnet import ROOT, read_wordnet

# depth-first from entity, children by name, each synset once: computed from
# WordNet 3.0's data.noun by a separate program
COUNTS = [1, 2, 6, 12, 20, 40, 84, 210, 353, 494, 595, 693, 752, 819, 877, 918, 977, 999, 1000]


def test_the_shipped_hierarchy_is_that_of_ilsvrc2012():
    wordnet = read_wordnet()
    assert sorted(wordnet.numbers.values()) == list(range(1, 1001))
    assert len(wordnet.parents) == 1860
    assert sum(len(parents) > 1 for parents in wordnet.parents.values()) == 75
    # the first four validation images are 490, 361, 171 and 822: a sea snake, an alp, a Shetland
    # sheepdog, a soup bowl
    wnids = {number: wnid for wnid, number in wordnet.numbers.items()}
    assert [wnids[number] for number in (490, 361, 171, 822)] == [
        "n01751748",
        "n09193705",
        "n02105855",
        "n04263257",
    ]


def test_labels_per_depth():
    wordnet = read_wordnet()
    assert [
        len({wordnet.label(wnid, depth) for wnid in wordnet.numbers})
        for depth in range(wordnet.depth + 1)
    ] == COUNTS


def test_a_synset_has_one_parent_and_levels_are_nested():
    paths = read_wordnet().paths
    kept = {}
    for path in paths.values():
        assert path[0] == ROOT
        for parent, child in itertools.pairwise(path):
            assert kept.setdefault(child, parent) == parent


def test_of_several_parents_the_path_first_in_the_alphabet_is_kept():
    wordnet = read_wordnet()
    names = [wordnet.names[wnid] for wnid in wordnet.paths["n02124075"]]
    # a domestic cat is a cat and a domestic animal; chordate comes before domestic animal
    assert names[6:9] == ["animal", "chordate", "vertebrate"]
    assert names[-3:] == ["cat", "domestic cat", "Egyptian cat"]


def test_a_shallow_class_keeps_its_own_label():
    wordnet = read_wordnet()
    assert wordnet.label("n03126707", 6) != "n03126707"
    assert wordnet.label("n03126707", 8) == wordnet.label("n03126707", 17) == "n03126707"
