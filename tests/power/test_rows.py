"""The planned table: the rows that the finished study will have."""

from fourlenses.lenses.plan import make_plan
from fourlenses.power.rows import planned_rows

IDENTITY = ["run", "target", "level", "labelled_images", "protocol"]


def test_each_cell_is_a_row_and_its_levels_where_a_lens_shows_them(config):
    config["lenses"].append("granularity")
    config["granularity"]["datasets"] = ["objects"]
    rows = planned_rows(config, make_plan(config)).table
    assert not rows.duplicated(IDENTITY).any()
    of_objects = rows[(rows["target"] == "objects") & (rows["protocol"] == "linear")]
    own = of_objects[of_objects["run"] == "simclr/objects-all/seed0"]
    assert own["level"].tolist() == ["coarse", "middle", "fine"]
    assert own["is_finest"].tolist() == [False, False, True]
    smaller = of_objects[of_objects["run"] == "simclr/objects-100/seed0"]
    assert smaller["level"].tolist() == ["fine"]
    assert smaller[["pretrain_images", "n_test"]].iloc[0].tolist() == [100, 1000]


def test_lengths_are_those_of_the_trainings(config, plan):
    rows = planned_rows(config, plan).table
    trained = rows[rows["method"] == "simclr"]
    assert trained["steps"].nunique() == 1  # quantity.equal is steps
    assert trained["steps"].iloc[0] == config["methods"]["simclr"]["steps"]
    scratch = rows[rows["protocol"] == "scratch"]
    assert set(scratch["steps"]) == {config["evaluation"]["scratch"]["min_steps"]}
    assert set(rows[rows["method"] == "random"]["steps"]) == {0}


def test_a_dataset_that_nobody_has_counted_is_named_and_left_out(config, plan):
    config["datasets"]["scenes"] = {"source": "image_folder", "path": "scenes"}
    planned = planned_rows(config, plan)
    assert planned.unknown == ["scenes"]
    assert set(planned.table["target"]) == {"objects"}


def test_a_pilot_says_how_many_images_a_dataset_has(config, plan):
    pilot = planned_rows(config, plan).table
    config["datasets"]["scenes"] = {"source": "image_folder", "path": "scenes"}
    planned = planned_rows(config, plan, pilot=pilot)
    assert planned.unknown == []
    on_scenes = planned.table[planned.table["target"] == "scenes"]
    assert set(on_scenes["n_test"]) == {1000}
    assert set(on_scenes["labelled_images"]) == {400}
