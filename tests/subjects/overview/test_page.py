"""The overview in Streamlit's AppTest; a browser proves the rest."""

import json

import pytest
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz.app.examples import EXAMPLES

KING = "The king and the queen"


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.caption, *app.markdown, *app.error])


def test_the_first_screen_shows_a_finished_picture_of_a_real_prompt(open_app):
    app = open_app()
    assert not app.exception
    assert not app.error
    lm = gptviz.load("tales")
    top = lm.trace(app.session_state["prompt"]).logits[-1].softmax(-1).topk(10)
    shown = app.dataframe[0].value
    assert shown["id"].tolist() == top.indices.tolist()
    assert shown["probability"].tolist() == pytest.approx(top.values.tolist())


def test_the_position_in_the_url_chooses_the_token(open_app):
    app = open_app(prompt="The king and the queen", position="1")
    lm = gptviz.load("tales")
    expected = lm.trace("The king and the queen").logits[1].topk(10).indices.tolist()
    assert app.dataframe[0].value["id"].tolist() == expected


def test_all_self_checks_of_a_run_hold_and_show_their_numbers(open_app):
    app = open_app(prompt="O Romeo, Romeo!")
    marks = [element.value for element in app.markdown if element.value[:1] in "✅❌"]
    assert len(marks) == 4
    assert all(mark.startswith("✅") for mark in marks)
    assert sum("largest error" in element.value for element in app.caption) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"position": "999"},
        {"position": "-1"},
        {"position": "banana"},
        {"model": "../../etc"},
        {"model": "no-such-model", "position": "1.5"},
        {"prompt": "<b>bold</b> **x** $y$ :red[z]"},
        {"prompt": "👩‍👩‍👧 안녕 \u200b"},
        {"prompt": "a"},
    ],
    ids=json.dumps,
)
def test_no_query_ends_in_a_traceback(open_app, query: dict[str, str]):
    app = open_app(**query)
    assert not app.exception
    assert not app.error
    assert len(app.dataframe[0].value) == 10


def test_text_of_users_is_never_markdown(open_app):
    app = open_app(prompt="**bold** <img src=x onerror=alert(1)>")
    assert "<img" not in words(app)
    assert "**bold**" not in words(app)


def test_the_last_token_stays_chosen_from_prompt_to_prompt(open_app):
    app = open_app()
    for example in EXAMPLES[1:4]:
        app.pills(key="example").set_value(example.name).run()
        lm = gptviz.load("tales")
        last = len(lm.tokenizer.encode(app.session_state["prompt"])) - 1
        assert app.session_state["position"] == last
        assert "position" not in app.query_params, "the last one is the default"
    app.session_state["position"] = 1  # as a click on a token does
    app.run()
    assert app.query_params["position"] == "1"
    app.pills(key="example").set_value(EXAMPLES[0].name).run()
    assert app.session_state["position"] == 1
    assert app.query_params["position"] == "1"


def test_no_slider_repeats_the_click_on_a_token(open_app):
    assert not open_app().slider


@pytest.mark.parametrize(("position", "rows"), [(0, 11), (1, 10), (4, 10)])
def test_the_token_that_came_next_is_marked_wherever_it_ranks(open_app, position: int, rows: int):
    app = open_app(prompt=KING, position=position)
    lm = gptviz.load("tales")
    ids = lm.tokenizer.encode(KING)
    shown = app.dataframe[0].value
    assert len(shown) == rows
    if position + 1 == len(ids):
        assert "came next" not in shown
        return
    probabilities = lm.trace(KING).logits[position].double().softmax(-1)
    order = probabilities.argsort(descending=True).tolist()
    (row,) = shown[shown["came next"] == "✔"].to_dict("records")
    assert row["id"] == ids[position + 1]
    assert row["rank"] == order.index(row["id"]) + 1
    assert row["token"] == lm.tokenizer.pieces([row["id"]])[0]
    assert row["probability"] == pytest.approx(float(probabilities[row["id"]]), rel=1e-4)
    assert (row["rank"] > 10) == (rows == 11)


def test_the_bars_are_scaled_to_the_likeliest_token_and_say_so(open_app):
    app = open_app(prompt=KING)
    column = json.loads(app.dataframe[0].proto.columns)["probability"]["type_config"]
    assert column["max_value"] == pytest.approx(app.dataframe[0].value["probability"][0])
    assert "The longest bar is the likeliest token" in words(app)
