"""The layer norms page, entered through the app; a browser proves the rest."""

import json
import string
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import GPT, GPTConfig, LanguageModel, checkpoints, load
from gptviz.analysis import layer_norms
from gptviz.tokenizers import CharacterTokenizer

ROOT = Path(__file__).parents[2]
LETTERS = CharacterTokenizer(sorted(set(string.printable)))
PROMPT = "The king"
TABS = ("By hand", "γ and β", "The stream", "Without this norm")


def save(folder: Path, **more) -> None:
    settings = {"block_size": 64, "n_layer": 2, "n_head": 2, "n_embd": 8, **more}
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(LETTERS.vocab_size, **settings), generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=generator)
    checkpoints.save(folder, model, LETTERS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    save(root / "shakespeare")  # the first one, and so the one that the page opens with
    save(root / "deep", n_layer=5)
    save(root / "post", norm="post")
    save(root / "bare", norm="none")
    return root


@pytest.fixture(autouse=True)
def _root(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


def open_page(tab: str = "By hand", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/layer_norms.py")
    for key, value in {"model": "shakespeare", "prompt": PROMPT, "details": tab, **query}.items():
        app.query_params[key] = value
    return healthy(app.run())


def healthy(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def figures(app: AppTest) -> dict[str, dict]:
    return {
        chart.proto.id.rsplit("-", 1)[-1]: json.loads(chart.proto.spec)
        for chart in app.get("plotly_chart")
    }


def words(app: AppTest) -> str:
    return " ".join(x.value for x in [*app.markdown, *app.caption, *app.info]).replace("\\", "")


def titles(app: AppTest) -> list[str]:
    return [note["text"] for note in figures(app)["before_and_after"]["layout"]["annotations"]]


def expected(norm: str, position: int, model: str = "shakespeare") -> layer_norms.ByHand:
    lm = load(model)
    return layer_norms.by_hand(lm, lm.trace(PROMPT), norm, position)


def test_the_page_opens_with_the_last_norm_of_the_last_token():
    app = open_page()
    assert app.selectbox(key="norm").value == "ln_f"
    assert app.slider(key="position").value == len(PROMPT) - 1
    assert "`h.1[7] → ln_f[7]`" in words(app)


@pytest.mark.parametrize(("norm", "read"), [("h.0.ln_1", "embed"), ("h.1.ln_2", "h.1.resid_mid")])
def test_the_url_chooses_norm_and_token(norm: str, read: str):
    app = open_page(norm=norm, position="2")
    moments = expected(norm, 2).moments
    assert f"`{read}[2] → {norm}[2]`" in words(app)
    assert "the vector of token 2 “e”:" in words(app)
    assert f"It reads the residual stream `{read}`" in words(app)
    for title, variance in zip(titles(app), moments["variance"], strict=True):
        assert title.endswith(f"variance {variance:.4g}")


def test_the_picture_counts_the_recorded_numbers():
    drawn = figures(open_page(norm="h.0.ln_2", position="3"))["before_and_after"]
    marks = [trace for trace in drawn["data"] if trace["type"] == "scatter"]
    assert len(marks) == 3
    assert drawn["layout"]["showlegend"] is False


def test_the_steps_by_hand_end_in_what_the_module_returned_and_say_how_exactly():
    app = open_page(norm="h.1.ln_1", position="4")
    found = expected("h.1.ln_1", 4)
    steps = app.dataframe[0].value
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
    assert f"= {trace['h.1.ln_1.scale'][4].item():.5g}" in app.code[0].value
    assert steps["h.1.ln_1"].tolist() == pytest.approx(found.table["recorded"].tolist())
    assert (
        f"✅ Computed by hand, and by the model: over all 8 dimensions the largest difference "
        f"is {found.error:.1e}; 1e-05 is allowed" in words(app)
    )
    mean, variance = found.moments.loc[0, "mean"], found.moments.loc[0, "variance"]
    assert f"÷ 8 = {mean:.5g}".replace("-", "−") in app.code[0].value
    assert f"√({variance:.5g} + 0.00001)" in app.code[0].value


def test_gamma_and_beta_are_shown_with_their_largest_dimensions():
    app = open_page("γ and β", norm="h.0.ln_2")
    gamma = load("shakespeare").model.h[0].ln_2.weight
    order = gamma.abs().sort(descending=True).indices.tolist()
    assert "parameters" in figures(app)
    assert app.dataframe[0].value["dimension"].tolist() == order
    assert "`h.0.ln_2.weight (γ), h.0.ln_2.bias (β)` · 8" in words(app)


def test_the_stream_is_drawn_stage_by_stage_for_every_token():
    app = open_page("The stream", norm="h.1.ln_2", position="1")
    drawn = figures(app)
    trace = load("shakespeare").trace(PROMPT)
    lengths, spread = drawn["stream_norms"], drawn["stream_spread"]
    assert lengths["data"][1]["name"] == "1 h"
    assert lengths["layout"]["shapes"][0]["x0"] == 3  # embed, h.0.resid_mid, h.0, h.1.resid_mid
    assert spread["layout"]["shapes"][0]["x0"] == 3
    assert f"`embed … h.1` · 5 × {len(trace.ids)} × 8" in words(app)


def test_without_the_norm_the_likeliest_tokens_and_their_distance_are_those_of_another_run():
    app = open_page("Without this norm", norm="h.0.ln_2", position="5")
    lm = load("shakespeare")
    trace = lm.trace(PROMPT)
    without = lm.trace(PROMPT, edits={"h.0.ln_2": lambda _: trace["h.0.resid_mid"]})
    p, q = trace.logits[5].softmax(-1), without.logits[5].softmax(-1)
    before, after = (frame.value for frame in app.dataframe)
    assert before["id"].tolist() == p.topk(10).indices.tolist()
    assert after["id"].tolist() == q.topk(10).indices.tolist()
    assert after["without"].tolist() == pytest.approx(q.topk(10).values.tolist(), abs=1e-5)
    nats = float((p * (p / q).log()).sum())
    assert f"**{nats:.3f} nats**" in words(app)
    assert {"lengths_compared", "divergences"} <= figures(app).keys()


@pytest.mark.parametrize("tab", TABS)
def test_only_the_open_tab_computes(tab: str):
    app = open_page(tab, norm="h.0.ln_1")
    drawn = figures(app).keys() - {"before_and_after"}
    assert (
        drawn
        == {
            "By hand": set(),
            "γ and β": {"parameters"},
            "The stream": {"stream_norms", "stream_spread"},
            "Without this norm": {"lengths_compared", "divergences"},
        }[tab]
    )


def test_who_cannot_see_the_picture_hears_the_token_as_it_is():
    app = open_page(prompt="To be, or", position="5")
    assert "of token 5 “,”: how many" in app.get("plotly_chart")[0].proto.alt


def test_another_norm_is_chosen_from_the_list():
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
def test_a_model_with_fewer_norms_takes_over_with_one_of_the_same_kind(model: str, norm: str):
    app = open_page(model="deep", norm="h.4.ln_1")
    assert "→ h.4.ln_1[7]`" in words(app)
    healthy(app.selectbox(key="model").set_value(model).run())
    if norm:
        assert app.selectbox(key="norm").value == norm
        assert f"→ {norm}[7]`" in words(app)
    healthy(app.selectbox(key="model").set_value("deep").run())


@pytest.mark.parametrize("tab", TABS)
def test_a_post_norm_is_explained_as_such_on_every_tab(tab: str):
    app = open_page(tab, model="post", norm="h.1.ln_2")
    assert "`h.1.ln_2` stands after the MLP of layer 1" in words(app)
    assert "It reads the sum `h.1.resid_mid` + `h.1.mlp`" in words(app)
    assert "`h.1.resid_mid[7] + h.1.mlp[7] → h.1.ln_2[7]`" in words(app)


def test_a_model_without_norms_says_so_and_shows_its_stream():
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
        {"norm": "<b>ln_f</b>", "details": "nothing"},
        {"prompt": "a", "norm": "h.0.ln_1"},
        {"prompt": "<b>x</b> **y** $z$ :red[q]"},
    ],
    ids=json.dumps,
)
def test_no_query_ends_in_a_traceback(query: dict[str, str]):
    app = open_page(**query)
    assert "before_and_after" in figures(app)
    assert "<b>" not in words(app)
    assert "**y**" not in words(app)


def test_the_same_norm_is_left_out_once_for_all_browsers(monkeypatch: pytest.MonkeyPatch):
    runs = []
    trace = LanguageModel.trace

    def counted(lm, *args, **kwargs):
        runs.append(kwargs.get("edits"))
        return trace(lm, *args, **kwargs)

    monkeypatch.setattr(LanguageModel, "trace", counted)
    for position in ("1", "3"):
        open_page("Without this norm", prompt="Once for all", norm="h.1.ln_1", position=position)
    assert len([edits for edits in runs if edits]) == 1
