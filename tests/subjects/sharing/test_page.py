"""The page Sharing the matrix, entered through the app."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import GPT, jobs, load
from gptviz.runs import Run
from gptviz.subjects.sharing.pair import PAIR
from gptviz.subjects.training import rights
from gptviz.training.config import TrainingConfig

PROMPT = "The *king*"
SHIPPED = Path(__file__).parents[3] / "checkpoints" / jobs.GALLERY


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "first")
    save_random(root / "second", tie_weights=False, norm="post")
    save_random(root / "void", is_void=True)
    (root / jobs.GALLERY).symlink_to(SHIPPED)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "product", **query: object) -> AppTest:
        return open_app("sharing", **{"model": "first", "prompt": PROMPT, "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(element.value for element in told).replace("\\", "")


@pytest.mark.parametrize("model", ["first", "second"])
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, model
):
    for tab in ("product", "costs", "trained"):
        assert not open_page(tab, model=model, position=3).error
    assert_codes_make_the_numbers({"products", "costs", "pair_curves"})


@pytest.mark.parametrize(("model", "is_shared"), [("first", True), ("second", False)])
def test_a_logit_is_told_with_its_two_vectors_and_where_the_matrix_is_shared(
    open_page, model, is_shared
):
    app = open_page(model=model, position=3)
    lm = load(model)
    logits = lm.trace(PROMPT).logits[3]
    assert app.selectbox(key="for_token").value == str(int(logits.argmax()))
    told = words(app)
    assert f"= **{float(logits.max()):.3f}**" in told
    assert "✅" in told
    assert ("This model shares the matrix" in told) is is_shared
    assert ("a matrix for the output alone: where" in told) is not is_shared


def test_numbers_below_0_have_a_minus(open_page):
    lm = load("first")
    logits = lm.trace(PROMPT).logits[3]
    token = int(logits.topk(20).indices[-1])
    app = open_page(position=3, for_token=token)
    assert not re.search(r"(?<![\w])-\d", words(app))
    (figure,) = app.get("plotly_chart")
    bars = json.loads(figure.proto.spec)["data"][0]
    told = " ".join([*bars["text"], *bars["customdata"]])
    assert "−" in told
    assert "-" not in told


def test_another_token_is_chosen_by_the_address(open_page):
    second = load("first").trace(PROMPT).logits[-1].topk(2).indices[1]
    app = open_page(for_token=int(second))
    assert app.selectbox(key="for_token").value == str(int(second))


def test_what_a_second_matrix_costs_is_told_of_the_loaded_shape(open_page):
    told = words(open_page("costs"))
    assert "100 × 8 = **800** numbers" in told
    assert "one for both ends" in told
    assert "one for each end" in words(open_page("costs", model="second"))


def test_the_shipped_pair_differs_in_the_output_layer_alone():
    runs = [Run(SHIPPED / preset.name) for preset in PAIR]
    assert [run.name for run in runs] == [preset.title for preset in PAIR]
    assert all(run.is_shipped for run in runs)
    shared, own = (run.settings for run in runs)
    assert own["model"].pop("tie_weights") is False
    assert shared["model"].pop("tie_weights") is True
    assert shared == own


def test_what_came_of_the_shipped_pair_is_told(open_page):
    told = words(open_page("trained"))
    for preset in PAIR:
        run = Run(SHIPPED / preset.name)
        count = GPT(run.config.model).n_parameters
        loss = min(row["val_loss"] for row in run.metrics if "val_loss" in row)
        assert f"**{run.name}**: {count:,} parameters" in told
        assert f"{loss:.3f}" in told


def test_the_pair_is_queued_by_a_button(open_page, monkeypatch):
    started: list[tuple[str, str, bool]] = []

    def start(config: TrainingConfig, name: str, preset: str) -> Run:
        started.append((name, preset, config.model.tie_weights))
        return Run(SHIPPED / preset)

    monkeypatch.setattr(rights, "start", start)
    app = open_page("trained")
    app.button(key="train_pair").click().run()
    assert started == [
        ("Shared matrix", "shared-matrix", True),
        ("Matrix of its own", "matrix-of-its-own", False),
    ]


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    assert not open_page(position=value, for_token=value).error


def test_a_broken_model_ends_in_a_sentence(open_page):
    assert "nothing to multiply; choose another model" in words(open_page(model="void"))
