"""The sampling page compares two settings, draws many times and goes through the stages."""

import json

import pytest

import gptviz

PROMPT = "To be, or not to be"


def test_two_settings_throw_the_same_dice_and_the_first_difference_is_marked(
    open_sampling, press, component, chips, pieces
):
    app = open_sampling(
        details="Two settings", temperature=0.6, seed=4, b_temperature=1.4, b_top_k=0
    )
    press(app, "Write both")
    lm = gptviz.load("letters")
    one = pieces(lm.generate(PROMPT, 40, temperature=0.6, seed=4))
    other = pieces(lm.generate(PROMPT, 40, temperature=1.4, seed=4))
    assert (chips(app, "compared", 0), chips(app, "compared", 1)) == (one, other)
    parting = next(i for i in range(40) if one[i] != other[i])
    for row in json.loads(component(app, "compared").json)["rows"]:
        assert [i for i, chip in enumerate(row["chips"]) if chip["marked"]] == [parting]
    assert any(f"position {len(PROMPT) + parting}" in e.value for e in app.main.caption)


def test_the_same_settings_write_the_same_text_twice(open_sampling, press, chips):
    app = open_sampling(details="Two settings", temperature=0.8, top_k=40, seed=4)
    press(app, "Write both")
    assert chips(app, "compared", 0) == chips(app, "compared", 1)
    assert any("the two texts are the same" in e.value for e in app.main.caption)


def test_a_comparison_of_other_settings_is_not_shown_for_these(open_sampling, checked, press):
    app = press(open_sampling(details="Two settings"), "Write both")
    app.number_input(key="seed").set_value(9).run()
    assert not [e for e in checked(app).main if e.type == "bidi_component" and e.key == "compared"]


def test_draws_are_counted_beside_their_probabilities(open_sampling, checked):
    app = open_sampling(details="Draw many", top_k=5, seed=3)
    app.toggle(key="drawn_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["count"].sum() == 300
    lm = gptviz.load("letters")
    expected = next(lm.generate(PROMPT, 1, top_k=5, seed=0)).probabilities.topk(5)
    assert table["id"].tolist()[:5] == expected.indices.tolist()
    assert table["probability"].tolist()[:5] == pytest.approx(expected.values.tolist())


def test_stage_by_stage_shows_what_each_rule_leaves_over(open_sampling, checked):
    app = open_sampling(details="Stage by stage", temperature=0)
    app.toggle(key="stages_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["top_p"].tolist()[:2] == [1, 0]
    assert table["removed by"].tolist()[:2] == ["", "temperature"]
