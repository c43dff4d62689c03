"""The tab on which a reader paints a pattern, entered through the app."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import GPT2LMHeadModel

from gptviz import load
from gptviz.subjects.attention import painting
from gptviz.subjects.attention.painting import PAINTED

PROMPT = "to be or not"
BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def diagonal(T: int) -> list[int]:
    """The numbers of the squares of the token before, counted row by row."""
    return [row * (row + 1) // 2 + row - 1 for row in range(1, T)]


def letters(squares: list[int]) -> str:
    """A painting as the address has it, written with nothing of gptviz."""
    size = 8 * (max(squares) // 8 + 1)  # whole bytes
    bits = "".join("01"[square in squares] for square in range(size)).ljust(-(-size // 6) * 6, "0")
    return "".join(BASE_64[int(bits[i : i + 6], 2)] for i in range(0, len(bits), 6))


BEFORE = letters(diagonal(12))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "large", n_layer=3, n_head=4)
    save_random(root / "one", n_layer=1, n_head=1)
    save_random(root / "void", is_void=True)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_paint(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(painted: str = "", prompt: str = PROMPT, model: str = "large", **more: str):
        query = {"prompt": prompt, "model": model, "tab": "paint", **more}
        return open_app("attention", **query, **({PAINTED: painted} if painted else {}))

    return opened


@pytest.fixture(scope="module")
def attentions(models: Path) -> Callable[..., np.ndarray]:
    """The patterns (n_layer, H, T, T) that `transformers` computes with the same weights."""

    def computed(prompt: str, model: str = "large") -> np.ndarray:
        theirs = GPT2LMHeadModel.from_pretrained(models / model, attn_implementation="eager").eval()
        tokenizer = load(str(models / model)).tokenizer
        with torch.no_grad():
            found = theirs(torch.tensor([tokenizer.encode(prompt)]), output_attentions=True)
        return torch.cat(found.attentions).double().numpy()

    return computed


def components(app: AppTest) -> dict[str, Any]:
    return {e.key: e.proto for e in app.main if e.type == "bidi_component"}


def board(app: AppTest) -> dict[str, Any]:
    """What the board was sent."""
    return json.loads(components(app)["painting"].json)


def header(app: AppTest, key: str) -> dict[str, Any]:
    data = components(app)[key].bytes
    return json.loads(data[4 : 4 + struct.unpack_from("<I", data)[0]])


def map_of_heads(app: AppTest) -> np.ndarray:
    """The numbers on the map (n_layer, H)."""
    data = components(app)["painted_share"].bytes
    end = 4 + struct.unpack_from("<I", data)[0]
    shown = header(app, "painted_share")
    shape = len(shown["rows"]), len(shown["columns"])
    return np.frombuffer(data, "<f4", np.prod(shape), end).reshape(shape)


def words(app: AppTest) -> str:
    return " ".join(e.value for e in [*app.main.caption, *app.main.markdown, *app.main.info])


def test_nothing_painted_is_a_hint_without_numbers(open_paint):
    app = open_paint()
    assert "Where should a head look? **Paint it**" in words(app)
    assert board(app)["painted"] == []
    assert not {"painted_share", "most_like_it"} & components(app).keys()
    assert not [toggle for toggle in app.toggle if toggle.key.endswith("_numbers")]
    assert PAINTED not in app.query_params


def test_a_painting_in_the_address_ranks_the_heads_as_transformers_and_numpy_do(
    open_paint, attentions
):
    app = open_paint(BEFORE)
    assert board(app)["painted"] == diagonal(12)
    expected = attentions(PROMPT).diagonal(-1, -2, -1).mean(-1)
    assert np.abs(map_of_heads(app) - expected).max() < 1e-4
    layer, head = divmod(int(expected.argmax()), 4)
    chance = np.mean([1 / (row + 1) for row in range(1, 12)])
    assert f"**L{layer} H{head}** looks most like your painting" in words(app)
    assert f"**{expected.max():.0%}** of its attention falls on your squares" in words(app)
    assert f"looks everywhere alike has {chance:.0%} there" in words(app)
    ranked = sorted((-expected[i, j], i, j) for i in range(3) for j in range(4))
    told = [f"L{i}\u00a0H{j}\u00a0{-share:.0%}" for share, i, j in ranked[:4]]
    assert f"first {told[0]}, then {' · '.join(told[1:])} …" in words(app)
    app.toggle(key="painted_share_numbers").set_value(True).run()
    table = app.dataframe[0].value
    assert table["painted share"].to_numpy() == pytest.approx(
        [-share for share, *_ in ranked], abs=1e-4
    )
    assert table["by chance"].to_numpy() == pytest.approx(chance)
    assert table["times chance"].to_numpy() == pytest.approx(
        [-share / chance for share, *_ in ranked], abs=1e-3
    )


def test_beside_the_board_stands_the_pattern_of_the_best_head_and_a_button_opens_it(
    open_paint, attentions
):
    app = open_paint(BEFORE, layer="2", head="3")
    shares = attentions(PROMPT).diagonal(-1, -2, -1).mean(-1)
    layer, head = divmod(int(shares.argmax()), 4)
    assert f"Most like it: **L{layer} H{head}**" in words(app)
    data = components(app)["most_like_it"].bytes
    start = 4 + struct.unpack_from("<I", data)[0] + 768
    pattern = attentions(PROMPT)[layer, head]
    shown = np.frombuffer(data, "<f4", offset=start)
    assert np.abs(shown - pattern[np.tril_indices(12)]).max() < 1e-4
    assert header(app, "painted_share")["chosen"] == [2, 3]
    app.button(key="open_most_like_it").click().run()
    assert header(app, "painted_share")["chosen"] == [layer, head]
    assert header(app, "attention_grid")["chosen"] == [layer, head]
    assert f"what you painted **{shares.max():.0%}**" in words(app)


def test_the_chip_leads_to_the_board_and_then_to_the_best_head(open_app, attentions):
    app = open_app("attention", prompt=PROMPT, model="large", layer="2", head="3")
    assert app.button(key="find_painted").label == "what you paint …"
    app.button(key="find_painted").click().run()
    assert app.query_params["tab"] == "paint"
    app.session_state[PAINTED] = BEFORE
    app.run()
    assert app.query_params[PAINTED] == BEFORE
    assert app.button(key="find_painted").label == "what you painted"
    app.button(key="find_painted").click().run()
    best = int(attentions(PROMPT).diagonal(-1, -2, -1).mean(-1).argmax())
    assert header(app, "attention_grid")["chosen"] == list(divmod(best, 4))


def test_the_starting_points_are_the_token_before_the_first_and_the_same_token(open_paint):
    sent = board(open_paint(prompt="abab"))
    assert {start["title"]: start["squares"] for start in sent["starts"]} == {
        "the token before": diagonal(4),
        "the first token": [1, 3, 6],
        "the same token, earlier": [3, 7],
    }


@pytest.mark.parametrize("value", ["banana!", "A", "é", "9" * 5000, "<script>", "S A", "AA"])
def test_what_stands_for_no_painting_is_dropped_without_a_word(open_paint, value):
    app = open_paint(value)
    assert not app.error
    assert "Where should a head look?" in words(app)
    assert PAINTED not in app.query_params


def test_a_shorter_text_keeps_the_painting_for_when_it_grows_again(open_paint):
    app = open_paint(BEFORE)
    for text, T in (("to be", 5), ("t", 1), (PROMPT, 12), (PROMPT + " to", 15)):
        app.session_state["prompt"] = text
        app.run()
        assert board(app)["painted"] == diagonal(min(T, 12))
        assert len(board(app)["tokens"]) == T
        assert app.query_params[PAINTED] == BEFORE
        assert ("Where should a head look?" in words(app)) is (T == 1)


def test_squares_that_are_on_no_board_are_passed_over():
    assert painting._written([1, 4, 528, 10**6, -1]) == letters([1, 4]) == "SA"


def test_of_a_long_text_the_first_32_tokens_can_be_painted_and_the_page_says_so(
    open_paint, attentions
):
    prompt = "the king and the queen and the fool say"
    app = open_paint(BEFORE, prompt)
    assert len(board(app)["tokens"]) == 32
    assert "This text has 39 tokens. You paint on the first 32" in words(app)
    weights = attentions(prompt)
    expected = np.mean([weights[..., row, row - 1] for row in range(1, 12)], axis=0)
    assert np.abs(map_of_heads(app) - expected).max() < 1e-4
    assert "You paint on" not in words(open_paint(prompt=prompt[:32]))


@pytest.mark.parametrize(("prompt", "painted"), [("abcd", "_8A"), ("abcd", "gA"), ("a", "gA")])
def test_who_paints_all_that_can_be_seen_is_told_that_this_finds_nobody(
    open_paint, prompt, painted
):
    app = open_paint(painted, prompt)
    assert "every head has 100% of its attention on your squares" in words(app)
    assert "painted_share" not in components(app)
    assert app.button(key="find_painted").label == "what you paint …"


def test_a_painting_that_no_head_looks_like_says_so(open_paint, attentions):
    weights = attentions("abcd", "one")[0, 0]
    rows, columns = np.tril_indices(4)
    square = int((weights[rows, columns] * (rows + 1)).argmin())
    share, chance = weights[rows[square], columns[square]], 1 / (rows[square] + 1)
    assert share < chance
    app = open_paint(letters([square]), "abcd", "one")
    said = f"No head looks there more than one that looks everywhere alike, which has {chance:.0%}"
    assert said in words(app)
    assert f"**L0 H0** comes closest, with **{share:.0%}**" in words(app)


def test_a_model_that_computes_no_numbers_ranks_nothing(open_paint):
    app = open_paint(letters([1, 4]), "abcd", "void")
    assert "what is no number" in " ".join(error.value for error in app.error)
    assert "painted_share" not in components(app)
