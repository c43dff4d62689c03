"""The layer norms page, entered through the app; a browser proves the rest."""

import json
import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, load
from gptviz.app import show
from gptviz.app.code import Code
from gptviz.app.glossary import without_marks
from gptviz.subjects.layer_norms import analysis as layer_norms

PROMPT = "The king"
TABS = {  # and the pictures of each
    "by-hand": [],
    "parameters": ["parameters"],
    "stream": ["stream_norms", "stream_spread"],
    "without": ["lengths_compared", "divergences"],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "shakespeare")  # the first one, and so the one that the page opens with
    save_random(root / "deep", n_layer=5)
    save_random(root / "post", norm="post")
    save_random(root / "bare", norm="none")
    return root


@pytest.fixture(autouse=True)
def _root(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "by-hand", **query: str) -> AppTest:
        chosen = {"model": "shakespeare", "prompt": PROMPT, "tab": tab, **query}
        return healthy(open_app("layer_norms", **chosen))

    return opened


def healthy(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[pd.DataFrame, Code]]:
    """The numbers and the code of each picture that a page shows from now on."""
    shown = {}
    numbers = show.numbers

    def kept(frame: pd.DataFrame, key: str, code: Code) -> None:
        shown[key] = (frame, code)
        numbers(frame, key, code)

    monkeypatch.setattr(show, "numbers", kept)
    return shown


def figures(app: AppTest) -> dict[str, dict]:
    return {
        chart.proto.id.rsplit("-", 1)[-1]: json.loads(chart.proto.spec)
        for chart in app.get("plotly_chart")
    }


def words(app: AppTest) -> str:
    shown = " ".join(x.value for x in [*app.markdown, *app.caption, *app.info])
    return without_marks(shown).replace("\\", "")


def titles(app: AppTest) -> list[str]:
    return [note["text"] for note in figures(app)["before_and_after"]["layout"]["annotations"]]


def expected(norm: str, position: int, model: str = "shakespeare") -> layer_norms.ByHand:
    lm = load(model)
    return layer_norms.by_hand(lm, lm.trace(PROMPT), norm, position)


def test_the_page_opens_with_the_last_norm_of_the_last_token(open_page):
    app = open_page()
    assert app.selectbox(key="norm").value == "ln_f"
    chips = next(e for e in app.main if e.type == "bidi_component" and e.key == "position_chips")
    shown = json.loads(chips.proto.json)
    assert [chip["piece"] for chip in shown["rows"][0]["chips"]] == list(PROMPT.replace(" ", "·"))
    assert shown["chosen"] == len(PROMPT) - 1
    assert "`h.1[7] → ln_f[7]`" in words(app)


@pytest.mark.parametrize(("norm", "read"), [("h.0.ln_1", "embed"), ("h.1.ln_2", "h.1.resid_mid")])
def test_the_url_chooses_norm_and_token(open_page, norm: str, read: str):
    app = open_page(norm=norm, position="2")
    moments = expected(norm, 2).moments
    assert f"`{read}[2] → {norm}[2]`" in words(app)
    assert "The vector of token 2 “e”:" in words(app)
    assert f"It reads the residual stream `{read}`" in words(app)
    for title, variance in zip(titles(app), moments["variance"], strict=True):
        assert title.endswith(f"variance {variance:.4g}")


def test_the_picture_counts_the_recorded_numbers(open_page):
    drawn = figures(open_page(norm="h.0.ln_2", position="3"))["before_and_after"]
    marks = [trace for trace in drawn["data"] if trace["type"] == "scatter"]
    assert len(marks) == 3
    assert drawn["layout"]["showlegend"] is False


def test_the_steps_by_hand_end_in_what_the_module_returned_and_say_how_exactly(open_page):
    app = open_page(norm="h.1.ln_1", position="4")
    found = expected("h.1.ln_1", 4)
    steps = app.dataframe[0].value
    sums = next(code.value for code in app.code if code.value.startswith("mean"))
    assert list(steps.columns) == [
        "dim.",
        "x",
        "x − mean",
        "× scale",
        "γ",
        "× γ",
        "β",
        "+ β",
        "h.1.ln_1",
    ]
    assert steps["+ β"].tolist() == pytest.approx(steps["h.1.ln_1"].tolist(), abs=1e-5)
    trace = load("shakespeare").trace(PROMPT)
    assert steps["× scale"].tolist() == trace["h.1.ln_1.normalized"][4].tolist()
    assert f"= {trace['h.1.ln_1.scale'][4].item():.5g}" in sums
    assert steps["h.1.ln_1"].tolist() == pytest.approx(found.table["recorded"].tolist())
    assert (
        f"✅ Computed by hand, and by the model: over all 8 dimensions the largest difference "
        f"is {found.error:.1e}; 1e-05 is allowed" in words(app)
    )
    mean, variance = found.moments.loc[0, "mean"], found.moments.loc[0, "variance"]
    assert f"÷ 8 = {mean:.5g}".replace("-", "−") in sums
    assert f"√({variance:.5g} + 0.00001)" in sums


def test_gamma_and_beta_are_shown_with_their_largest_dimensions(open_page):
    app = open_page("parameters", norm="h.0.ln_2")
    gamma = load("shakespeare").model.h[0].ln_2.weight
    order = gamma.abs().sort(descending=True).indices.tolist()
    assert "parameters" in figures(app)
    assert app.dataframe[0].value["dimension"].tolist() == order
    assert "`h.0.ln_2.weight (γ), h.0.ln_2.bias (β)` · 8" in words(app)


def test_the_stream_is_drawn_stage_by_stage_for_every_token(open_page):
    app = open_page("stream", norm="h.1.ln_2", position="1")
    drawn = figures(app)
    trace = load("shakespeare").trace(PROMPT)
    lengths, spread = drawn["stream_norms"], drawn["stream_spread"]
    assert lengths["data"][1]["name"] == "1 h"
    assert lengths["layout"]["shapes"][0]["x0"] == 3  # embed, h.0.resid_mid, h.0, h.1.resid_mid
    assert spread["layout"]["shapes"][0]["x0"] == 3
    assert f"`embed … h.1` · 5 × {len(trace.ids)} × 8" in words(app)


def test_without_the_norm_the_likeliest_tokens_and_their_distance_are_those_of_another_run(
    open_page,
):
    app = open_page("without", norm="h.0.ln_2", position="5")
    lm = load("shakespeare")
    trace = lm.trace(PROMPT)
    without = lm.trace(PROMPT, edits={"h.0.ln_2": lambda _: trace["h.0.resid_mid"]})
    p, q = trace.logits[5].softmax(-1), without.logits[5].softmax(-1)
    before, after = (frame.value for frame in app.dataframe)
    assert before["id"].tolist() == p.topk(10).indices.tolist()
    assert after["id"].tolist() == q.topk(10).indices.tolist()
    assert after["without"].tolist() == pytest.approx(q.topk(10).values.tolist(), abs=1e-5)
    nats = float((p * (p / q).log()).sum())
    assert f"**{nats:.3f} nats** apart" in words(app)
    assert f"**{math.exp(nats):.3g} times** smaller without it" in words(app)
    assert {"lengths_compared", "divergences"} <= figures(app).keys()


@pytest.mark.parametrize("tab", TABS)
def test_only_the_open_tab_computes(open_page, tab: str):
    app = open_page(tab, norm="h.0.ln_1")
    assert figures(app).keys() == {"before_and_after", *TABS[tab]}


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(
    ("model", "norm"), [("shakespeare", "ln_f"), ("shakespeare", "h.0.ln_2"), ("post", "h.1.ln_1")]
)
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, pictures, tab: str, model: str, norm: str
):
    open_page(tab, model=model, norm=norm, position="3", prompt="To 'trace'\nit")
    assert pictures.keys() == {"before_and_after", *TABS[tab]}
    for frame, code in pictures.values():
        names = {}
        exec(code.text, names)
        pd.testing.assert_frame_equal(names["table"], frame, rtol=1e-4, atol=1e-5)


def test_the_stream_of_a_model_without_norms_has_its_code_too(open_page, pictures):
    open_page(model="bare")
    assert pictures.keys() == {*TABS["stream"]}
    for frame, code in pictures.values():
        names = {}
        exec(code.text, names)
        pd.testing.assert_frame_equal(names["table"], frame, rtol=1e-4, atol=1e-5)


def test_who_cannot_see_the_picture_hears_the_token_as_it_is(open_page):
    app = open_page(prompt="To be, or", position="5")
    assert "of token 5 “,”: how many" in app.get("plotly_chart")[0].proto.alt


def test_another_norm_is_chosen_from_the_list(open_page):
    app = open_page()
    assert app.selectbox(key="norm").options == [
        "h.0.ln_1",
        "h.0.ln_2",
        "h.1.ln_1",
        "h.1.ln_2",
        "ln_f",
    ]
    healthy(app.selectbox(key="norm").set_value("h.0.ln_1").run())
    assert "→ h.0.ln_1[7]`" in words(app)


@pytest.mark.parametrize(
    ("model", "norm"), [("shakespeare", "h.1.ln_1"), ("post", "h.1.ln_1"), ("bare", None)]
)
def test_a_model_with_fewer_norms_takes_over_with_one_of_the_same_kind(
    open_page, model: str, norm: str
):
    app = open_page(model="deep", norm="h.4.ln_1")
    assert "→ h.4.ln_1[7]`" in words(app)
    healthy(app.selectbox(key="model").set_value(model).run())
    if norm:
        assert app.selectbox(key="norm").value == norm
        assert f"→ {norm}[7]`" in words(app)
    healthy(app.selectbox(key="model").set_value("deep").run())


@pytest.mark.parametrize("tab", TABS)
def test_a_post_norm_is_explained_as_such_on_every_tab(open_page, tab: str):
    app = open_page(tab, model="post", norm="h.1.ln_2")
    assert "`h.1.ln_2` stands after the MLP of layer 1" in words(app)
    assert "It reads the sum `h.1.resid_mid` + `h.1.mlp`" in words(app)
    assert "`h.1.resid_mid[7] + h.1.mlp[7] → h.1.ln_2[7]`" in words(app)


def test_a_model_without_norms_says_so_and_shows_its_stream(open_page):
    app = open_page(model="bare", norm="ln_f")
    assert "This model was built without layer norms" in words(app)
    assert figures(app).keys() == {"stream_norms", "stream_spread"}
    assert [box.key for box in app.selectbox] == ["model"]


@pytest.mark.parametrize(
    "query",
    [
        {"norm": "h.9.ln_1"},
        {"norm": "banana", "position": "banana"},
        {"norm": "", "position": "-1"},
        {"norm": "h.0.attn", "position": "999"},
        {"norm": "<b>ln_f</b>", "tab": "nothing"},
        {"prompt": "a", "norm": "h.0.ln_1"},
        {"prompt": "<b>x</b> **y** $z$ :red[q]"},
    ],
    ids=json.dumps,
)
def test_no_query_ends_in_a_traceback(open_page, query: dict[str, str]):
    app = open_page(**query)
    assert "before_and_after" in figures(app)
    assert "<b>" not in words(app)
    assert "**y**" not in words(app)


def test_the_same_norm_is_left_out_once_for_all_browsers(
    open_page, monkeypatch: pytest.MonkeyPatch
):
    runs = []
    trace = LanguageModel.trace

    @wraps(trace)
    def counted(lm, *args, **kwargs):
        runs.append(kwargs.get("edits"))
        return trace(lm, *args, **kwargs)

    monkeypatch.setattr(LanguageModel, "trace", counted)
    for position in ("1", "3"):
        open_page("without", prompt="Once for all", norm="h.1.ln_1", position=position)
    assert len([edits for edits in runs if edits]) == 1
