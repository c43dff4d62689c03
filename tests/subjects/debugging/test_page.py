"""The page Debugging, entered through the app."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from gptviz.jobs.failures import FAILURES
from gptviz.subjects.debugging.symptoms import SYMPTOMS


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest],
    save_random: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))

    def opened(tab: str, prompt: str = "a cat sat", is_void: bool = False, **query) -> AppTest:
        save_random(tmp_path / "small", is_void=is_void)
        return open_app("debugging", model="small", prompt=prompt, tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_page_opens_on_the_walk_of_the_shapes(open_page, assert_codes_make_the_numbers):
    app = open_page("shapes", layer=1)
    assert not app.error
    assert "**1 × 9** ids go in, each becomes a vector (1 × 9 × 8)" in words(app)
    assert "✅ 43 of the 43 tensors in this run's trace" in words(app)
    assert_codes_make_the_numbers({"walk"})


@pytest.mark.parametrize(
    ("tab", "query", "keys"),
    [
        ("modules", {}, {"modules"}),
        ("gradients", {}, {"gradients", "gradient_types", "gradient_parameters"}),
        (
            "gradients",
            {"whose": "no-shortcuts", "gradient_by": "mean-absolute", "fresh_seed": 3},
            {"gradients", "gradient_types", "gradient_parameters"},
        ),
        ("batch", {}, {"batch"}),
    ],
)
def test_the_code_gives_the_numbers(open_page, assert_codes_make_the_numbers, tab, query, keys):
    app = open_page(tab, **query)
    assert not app.error
    assert_codes_make_the_numbers(keys)


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def test_one_batch_is_learnt_while_one_looks_on(open_page, assert_codes_make_the_numbers):
    app = open_page("batch", batch_of="prompt")
    assert app.button(key="batch_start").label == "Train on this batch"
    press(app, "batch_start")
    assert "Step 10: the loss went from" in words(app)
    press(app, "batch_stop")
    app.run()
    assert "Step 10:" in words(app), "it has stopped"
    assert app.button(key="batch_start").label == "Go on"
    press(app, "batch_start")
    for _ in range(10):
        app.run()
    assert "It knows the batch by heart" in words(app)
    assert app.button(key="batch_start").label == "Train again"
    assert_codes_make_the_numbers({"batch"})


def test_the_plays_are_a_batch_too(open_page, assert_codes_make_the_numbers):
    app = open_page("batch", batch_of="plays", fault="no-step", batch_seed=2)
    press(app, "batch_start")
    assert "8 texts of 32 tokens to guess" in words(app)
    assert_codes_make_the_numbers({"batch"})


@pytest.mark.parametrize("symptom", ["climbs", "stands"])
def test_a_symptom_links_to_its_failures(open_app, assert_codes_make_the_numbers, symptom):
    app = open_app("debugging", tab="symptoms", symptom=symptom, prompt="a cat")
    links = [e.proto for e in app.main if e.type == "page_link"]
    found = [parse_qs(link.query_string) for link in links]
    failures = [query["failure"][0] for query in found if "failure" in query]
    assert failures == list(SYMPTOMS[symptom].failures)
    assert_codes_make_the_numbers({"symptom_curves"})


def test_a_symptom_opens_the_tab_beside_it(open_page):
    app = open_page("symptoms", symptom="no-batch")
    press(app, "open_batch")
    assert app.query_params["tab"] == "batch"
    assert app.button(key="batch_start").label == "Train on this batch"


def test_the_gallery_opens_where_a_link_leads(open_app):
    failure = FAILURES[-1]
    app = open_app("training", runs_tab="failures", failure=failure.preset.name)
    assert failure.cause in words(app)


@pytest.mark.parametrize("tab", ["gradients", "batch"])
def test_a_single_token_has_nothing_to_guess(open_page, tab):
    app = open_page(tab, prompt="a", batch_of="prompt")
    assert "needs a token to guess, and 1 token came; type a longer text" in words(app)


def test_a_model_of_nan_has_shapes_and_no_gradients(open_page):
    assert not open_page("shapes", is_void=True).error
    told = words(open_page("gradients", is_void=True))
    assert "The loss of this text is nan, which has no gradient; choose another model" in told


def test_what_is_no_choice_is_passed_over(open_page):
    for tab, keys in (
        ("gradients", ("whose", "gradient_by", "fresh_seed")),
        ("batch", ("batch_of", "fault", "batch_seed")),
        ("symptoms", ("symptom",)),
    ):
        assert not open_page(tab, **dict.fromkeys(keys, "9" * 40)).error
