"""The page of the residual stream, entered through the app; a browser proves the clicks."""

import base64
import json
import math
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import load
from gptviz.tokenizers import CharacterTokenizer

LETTERS = CharacterTokenizer(sorted(set(string.printable)))
PROMPT = "The king"
CODES = {  # the pictures of each tab
    "surprise": {"surprise"},
    "lens": {"lens", "followed_way"},
    "parts": {"parts", "heads"},
    "added": {"added_lengths", "added_directions"},
}
TRICKS = "<b>x</b> **a** $x$ `y` :red[z]"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "first": {},
        "post": {"norm": "post"},
        "void": {"is_void": True},
    }
    for name, more in kinds.items():
        save_random(root / name, n_layer=3, **more)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "surprise", **query: object) -> AppTest:
        return open_app("residual", **{"model": "first", "prompt": PROMPT, "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.info, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


def proto(app: AppTest, key: str) -> Any:
    return next(e for e in app.main if e.type == "bidi_component" and e.key == key).proto


def board(app: AppTest, key: str) -> tuple[dict[str, Any], np.ndarray]:
    """What a board of cells was given: its header and its values."""
    data = proto(app, key).bytes
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    size = len(header["rows"]) * len(header["columns"])
    values = np.frombuffer(data[4 + length :][: 4 * size], "<f4")
    return header, values.reshape(len(header["rows"]), -1)


@pytest.mark.parametrize("tab", CODES)
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, tab
):
    app = open_page(tab, position=3, prompt="To 'trace'\nit")
    assert not app.error
    assert_codes_make_the_numbers(CODES[tab])


def test_each_token_is_coloured_by_its_surprise_and_tells_what_was_expected(open_page):
    app = open_page(position=3)
    chips = json.loads(proto(app, "surprise").json)["rows"][0]["chips"]
    assert [chip["piece"] for chip in chips] == list("The·king")
    p = load("first").trace(PROMPT).logits.double().softmax(-1).numpy()
    ids = LETTERS.encode(PROMPT)
    nats = -np.log([p[i, token] for i, token in enumerate(ids[1:])])
    for chip, loss in zip(chips[1:], nats, strict=True):
        assert f"{loss:.2f} nats" in chip["hover"]
        assert f"p {math.exp(-loss):.4f}" in chip["hover"]
    assert len({chip["behind"] for chip in chips}) > 3
    assert chips[0]["behind"] == "transparent"
    expected = app.dataframe[0].value
    likeliest = np.argsort(-p[2])[:5].tolist()
    assert expected["token"].tolist()[:5] == LETTERS.pieces(likeliest)
    assert f"{nats.mean():.3f} nats" in words(app)
    assert f"{math.log(LETTERS.vocab_size):.3f} nats" in words(app)
    assert f"chose among {math.exp(nats.mean()):,.0f} equally likely tokens" in words(app)


def test_a_switch_tells_bits_and_lives_in_the_address(open_page):
    app = open_page(bits="true")
    logits = load("first").trace(PROMPT).logits.double()
    bits = -logits[0].log_softmax(-1)[LETTERS.encode("h")[0]] / math.log(2)
    chips = json.loads(proto(app, "surprise").json)["rows"][0]["chips"]
    assert chips[1]["hover"].startswith(f"{bits:.2f} bits")


def test_a_single_token_asks_for_a_second_one(open_page):
    assert "Write a second token" in words(open_page(prompt="T"))
    assert "Nothing stands before it" in words(open_page(position=0))


def test_the_lens_shows_each_cell_s_likeliest_token_down_to_the_model_s_own(open_page):
    header, values = board(open_page("lens"), "lens_board")
    assert header["rows"] == ["embedding", "L0", "L1", "L2 = output"]
    assert header["columns"] == [f"{i} {piece}" for i, piece in enumerate("The·king")]
    p = load("first").trace(PROMPT).logits.softmax(-1)
    assert header["texts"][-8:] == LETTERS.pieces(p.argmax(-1).tolist())
    assert values[-1] == pytest.approx(p.amax(-1).tolist(), rel=1e-4)
    assert header["chosen"] == [3, 7]


def test_the_lens_is_coloured_by_the_distance_to_the_answer(open_page):
    app = open_page("lens", lens_by="divergence", lens_stage="h.0", position=2)
    header, values = board(app, "lens_board")
    lm = load("first")
    trace = lm.trace(PROMPT)
    p, q = (
        lm.model.unembed(lm.model.ln_f(trace[name][2])).double().softmax(-1).detach()
        for name in ("h.2", "h.0")
    )
    assert values[1, 2] == pytest.approx(float((p * (p / q).log()).sum()), rel=1e-3)
    assert values[-1] == pytest.approx(0, abs=1e-5)
    assert header["chosen"] == [1, 2]
    ten = app.dataframe[0].value
    assert ten["id"].tolist() == q.topk(10).indices.tolist()


def test_a_typed_token_is_followed_through_the_layers(open_page):
    app = open_page("lens", followed="q")
    (chart,) = app.get("plotly_chart")
    lm = load("first")
    trace = lm.trace(PROMPT)
    token = LETTERS.encode("q")[0]
    spec = json.loads(chart.proto.spec)
    logits = [
        lm.model.unembed(lm.model.ln_f(trace[name][7])) for name in ("embed", "h.0", "h.1", "h.2")
    ]
    ranks = [1 + int((each > each[token]).sum()) for each in logits]
    drawn = spec["data"][1]["y"]
    found = (
        drawn
        if isinstance(drawn, list)
        else np.frombuffer(base64.b64decode(drawn["bdata"]), drawn["dtype"])
    )
    assert list(found) == ranks


@pytest.mark.parametrize("tab", ["lens", "parts"])
def test_what_is_no_token_ends_in_a_sentence(open_page, tab):
    app = open_page(tab, followed="qqq", for_token="qqq")
    assert "is no single token of this model" in words(app)


def test_parts_sum_to_the_model_s_own_logit_and_to_a_difference(open_page):
    logits = load("first").trace(PROMPT).logits[-1]
    best = float(logits.max())
    assert f"the model's own logit is **{best:.4f}**" in words(open_page("parts"))
    a, b = LETTERS.encode("ab")
    app = open_page("parts", for_token="a", against_token="b")
    assert f"own difference is **{float(logits[a] - logits[b]):.4f}**" in words(app)
    assert "✅" in words(app)
    assert "“a” gains most over “b” from" in words(app)


def test_parts_stand_by_size_or_in_the_order_of_computation(open_page):
    for order in ("size", "computed"):
        spec = json.loads(open_page("parts", part_order=order).get("plotly_chart")[0].proto.spec)
        names = spec["data"][0]["x"]
        assert {"token", "position", "L0 H0", "L2 MLP", "biases"} < set(names)
        assert (names[:4] == ["token", "position", "L0 H0", "L0 H1"]) is (order == "computed")


def test_heads_alone_are_a_map_of_layers_and_heads(open_page):
    header, values = board(open_page("parts"), "head_board")
    assert (header["rows"], header["columns"]) == (["L0", "L1", "L2"], ["H0", "H1"])
    assert values.shape == (3, 2)


@pytest.mark.parametrize("tab", ["parts", "added"])
def test_a_model_whose_norms_come_after_the_sums_is_explained(open_page, tab):
    assert "so its stream is no sum" in words(open_page(tab, model="post"))


@pytest.mark.parametrize("tab", CODES)
def test_a_broken_model_ends_in_a_sentence(open_page, tab):
    app = open_page(tab, model="void")
    _, told = (problem.value.replace("\\", "") for problem in app.error)
    assert "choose another model" in told


@pytest.mark.parametrize("tab", CODES)
def test_a_text_full_of_signs_is_shown_as_it_is(open_page, tab):
    app = open_page(tab, prompt=TRICKS, position=1, followed="$", for_token="*")
    assert not app.error
    for element in [*app.main.markdown, *app.main.caption]:
        assert "<b>" not in element.value
        assert ":red[" not in element.value


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²"])
@pytest.mark.parametrize("tab", CODES)
def test_what_is_no_choice_is_passed_over(open_page, tab, value):
    keys = ("lens_by", "lens_stage", "part_order", "position", "bits")
    assert not open_page(tab, **dict.fromkeys(keys, value)).error
