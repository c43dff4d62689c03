"""The embeddings page in Streamlit's AppTest; a browser proves the rest."""

import base64
import json
import re
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import GPT, GPTConfig, checkpoints
from gptviz.app import look, show
from gptviz.app.code import Code
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings import map_analysis, maps
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer

ROOT = Path(__file__).parents[3]
LETTERS = CharacterTokenizer.from_text(
    " \n:,.'!?-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
TABS = (
    "your-tokens",
    "neighbours",
    "word-pairs",
    "analogies",
    "map",
    "positions",
    "two-contexts",
)
KING = "The king and the queen"


def save(folder: Path, tokenizer: Tokenizer, **more) -> None:
    settings = {"block_size": 32, "n_layer": 2, "n_head": 2, "n_embd": 8, **more}
    config = GPTConfig(tokenizer.vocab_size, **settings)
    checkpoints.save(folder, GPT(config, torch.Generator().manual_seed(0)), tokenizer)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models with GPT-2's vocabulary, one with the bundled one's name and counts, and others."""
    root = tmp_path_factory.mktemp("models")
    save(root / "shakespeare", GPT2Tokenizer())
    shutil.copy(ROOT / "checkpoints" / "shakespeare" / "token_counts.npz", root / "shakespeare")
    save(root / "uncounted", GPT2Tokenizer())
    save(root / "spoilt", GPT2Tokenizer())
    (root / "spoilt" / "token_counts.npz").write_bytes(b"cut off")
    save(root / "letters", LETTERS)
    save(root / "waves", LETTERS, position="sinusoidal", n_layer=1)
    save(root / "nowhere", LETTERS, position="none")
    save(root / "three", CharacterTokenizer("abc"), block_size=4)
    torn = GPT(GPTConfig(LETTERS.vocab_size, block_size=32, n_layer=1, n_head=1, n_embd=8))
    torn.wte.weight.data[0] = torch.nan
    checkpoints.save(root / "torn", torn, LETTERS)
    return root


@pytest.fixture(autouse=True)
def _root(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return lambda tab, **query: open_app("embeddings", tab=tab, **query)


def drawn(app: AppTest) -> dict:
    """The one figure that the page shows."""
    assert not app.exception
    assert not app.error, app.error[0].value
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


def words(app: AppTest) -> str:
    return " ".join(x.value for x in [*app.markdown, *app.caption]).replace("\\", "")


def refusal(app: AppTest) -> str:
    assert not app.exception
    assert not app.get("plotly_chart")
    return app.error[-1].value.replace("\\", "")


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("model", ["shakespeare", "letters"])
def test_each_tab_shows_one_finished_picture_that_names_its_tensor(open_page, tab: str, model: str):
    app = open_page(tab, model=model, prompt=KING)
    drawn(app)
    tensor = "wpe" if tab == "positions" else "wte"
    assert f"`{tensor}" in words(app)


def test_the_first_tab_compares_the_tokens_of_the_prompt_at_the_chosen_stage(open_page):
    app = open_page("your-tokens", prompt=KING, stage="h.1")
    vectors = gptviz.load("shakespeare").trace(KING)["h.1"]
    expected = embeddings.cosine_similarity(vectors, vectors)
    z = drawn(app)["data"][0]["z"]
    shown = np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"])
    np.testing.assert_allclose(shown.reshape(5, 5), expected, atol=1e-5)
    assert "`h.1` · 5 × 8" in words(app)


@pytest.mark.parametrize(
    ("tab", "query"),
    [
        ("your-tokens", {"stage": "h.1"}),
        ("neighbours", {"position": "1"}),
        ("neighbours", {"word": "it's a trace"}),
        ("word-pairs", {"pairs": "'crown'–throne, sun-moon"}),
        ("analogies", {"analogy_c": "don't"}),
        ("map", {"map_common": "50"}),
        ("map", {"map_axes": "3"}),
        ("map", {"map_method": "t-sne", "map_common": "50"}),
        ("positions", {}),
        ("two-contexts", {"other": "A king, 'a\tking'!", "shared_token": "1"}),
        ("two-contexts", {}),
    ],
)
def test_the_code_of_each_picture_gives_the_numbers_shown(
    open_page, tab: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    pictures: list[tuple[pd.DataFrame, Code]] = []
    monkeypatch.setattr(show, "numbers", lambda table, _key, code: pictures.append((table, code)))
    drawn(open_page(tab, prompt="The king\n'and' the queen", **query))
    ((table, code),) = pictures
    made: dict[str, Any] = {}
    exec(code.text, made)
    pd.testing.assert_frame_equal(made["table"], table, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stage", ["h.99", "after L1", "banana", "", "<b>"])
def test_a_stage_that_the_model_does_not_have_falls_back_to_the_token(open_page, stage: str):
    app = open_page("your-tokens", prompt=KING, stage=stage, position="-7")
    drawn(app)
    assert "`wte` · 5 × 8" in words(app)


def test_a_stage_falls_back_when_a_model_of_fewer_layers_is_chosen(open_page):
    app = open_page("your-tokens", model="letters", prompt="abc", stage="h.1")
    assert "`h.1`" in words(app)
    app.selectbox(key="model").set_value("waves").run()
    drawn(app)
    assert "`wte`" in words(app)


def test_neighbours_are_those_of_the_chosen_token_or_of_a_typed_word(open_page):
    app = open_page("neighbours", prompt=KING, position="1")
    lm = gptviz.load("shakespeare")
    king = embeddings.word(lm, "king")
    expected = embeddings.nearest(lm, king.vector, 10, without=king.ids)
    assert drawn(app)["layout"]["yaxis"]["ticktext"] == expected["token"].tolist()
    app.text_input(key="word").set_value("Tybalt").run()
    drawn(app)
    assert "mean" in words(app)
    assert "·Ty + b + alt" in words(app)


def test_a_word_that_the_model_has_hardly_seen_is_marked_as_such(open_page):
    assert "Hardly seen" in words(open_page("neighbours", word="computer"))
    assert "Hardly seen" not in words(open_page("neighbours", word="king"))


RARITY = "Hardly seen|training text|Hatched|Hollow|⚠|Shakespeare"


@pytest.mark.parametrize("tab", TABS)
def test_only_of_a_model_with_counts_a_tab_says_what_is_rare(open_page, tab: str):
    rare = {"prompt": "the computer king", "word": "computer", "analogy_a": "computer"}
    rare |= {"pairs": "computer–king", "shared_token": "1", "other": "a computer king"}
    for model, counted in (("uncounted", False), ("shakespeare", tab != "positions")):
        app = open_page(tab, model=model, **rare)
        shown = json.dumps(drawn(app), ensure_ascii=False) + words(app)
        assert bool(re.search(RARITY, shown)) == counted, model


@pytest.mark.filterwarnings("ignore:.*is cut off or holds no array named counts")
def test_a_model_whose_counts_are_broken_is_drawn_as_one_without(open_page):
    app = open_page("neighbours", model="spoilt", word="computer")
    drawn(app)
    assert not re.search(RARITY, words(app))


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("shakespeare", "the tokens that the training text holds most often."),
        ("uncounted", "the first tokens of the vocabulary with several characters."),
        ("letters", "the first tokens of the vocabulary."),
    ],
)
def test_a_map_says_what_its_backdrop_is(open_page, model: str, source: str):
    assert f"The backdrop: {source}" in words(open_page("map", model=model, prompt=KING))


def test_pairs_of_ones_own_come_from_the_url(open_page):
    app = open_page("word-pairs", pairs="crown–throne,sun-moon")
    labels = drawn(app)["layout"]["yaxis"]["ticktext"]
    assert [label.split(", no.")[0] for label in labels] == ["crown – throne", "sun – moon"]


def test_an_analogy_says_that_its_own_words_are_left_out(open_page):
    app = open_page("analogies", analogy_a="king", analogy_b="man", analogy_c="woman")
    shown = drawn(app)["layout"]["yaxis"]["ticktext"]
    assert not {"·king", "·man", "·woman"} & set(shown)
    assert "·king − ·man + ·woman" in words(app)
    assert "Hardly seen" not in words(app)


def test_hardly_seen_tokens_of_the_prompt_are_marked_wherever_their_vectors_are_drawn(open_page):
    prompt = "the computer king"
    app = open_page("your-tokens", prompt=prompt)
    axis = drawn(app)["layout"]["xaxis"]["ticktext"]
    assert axis == ["0 the", "1 ⚠·computer", "2 ·king"]
    assert "⚠: tokens that the training text holds fewer than" in words(app)
    assert "⚠" not in words(open_page("your-tokens", prompt=KING))

    other = {"prompt": prompt, "other": "a computer king"}
    assert "Hardly seen" in words(open_page("two-contexts", **other, shared_token="1"))
    assert "Hardly seen" not in words(open_page("two-contexts", **other, shared_token="2"))


def test_a_piece_of_a_split_word_that_lies_nearest_is_not_called_one_of_the_words(open_page):
    letters = {"model": "letters", "prompt": "a", "analogy_a": "x", "analogy_b": "x"}
    app = open_page("analogies", **letters, analogy_c="aaab")
    assert "The very nearest is a, a piece of a + a + a + b." in words(app)
    app = open_page("analogies", **letters, analogy_c="q")
    assert "The very nearest is q, one of the three words itself" in words(app)


def test_an_analogy_warns_of_words_that_are_split_or_hardly_seen(open_page):
    app = open_page("analogies", analogy_a="computer", analogy_b="king", analogy_c="Tybalt")
    drawn(app)
    assert "·computer − ·king + (·Ty + b + alt)" in words(app)
    assert "Tybalt = ·Ty + b + alt" in words(app)
    assert "so the result says little: ·computer." in words(app)


@pytest.mark.parametrize(
    ("tab", "query", "reason"),
    [
        ("neighbours", {"model": "letters", "word": "🙂"}, "🙂 .U.1F642. is not among"),
        ("neighbours", {"model": "letters", "word": "a" * 13}, "has 13 tokens"),
        ("word-pairs", {"pairs": "king"}, "“king” is not a pair"),
        ("word-pairs", {"pairs": "*bold*–<b>x</b>,_"}, "“_” is not a pair"),
        ("word-pairs", {"model": "three", "prompt": "a"}, "is not among the 3 characters"),
        ("analogies", {"analogy_b": " "}, "Word b is empty; type one"),
        ("map", {"model": "three", "prompt": "a", "map_method": "t-sne"}, "choose PCA"),
        ("map", {"model": "torn"}, "not all numbers.* choose another model"),
        ("map", {"model": "torn", "map_method": "t-sne"}, "not all numbers"),
        ("two-contexts", {"prompt": "king", "other": "spoon"}, "share no token"),
        ("two-contexts", {"prompt": "a king", "other": "king"}, "·king and king are two tokens"),
        ("two-contexts", {"other": "king " * 40}, "gptviz shows up to"),
    ],
)
def test_what_cannot_be_drawn_is_explained_in_a_sentence(
    open_page, tab: str, query: dict, reason: str
):
    assert re.search(reason, refusal(open_page(tab, **query)))


@pytest.mark.parametrize("tab", [tab for tab in TABS if tab not in ("word-pairs", "analogies")])
def test_one_token_and_a_vocabulary_of_three_are_enough(open_page, tab: str):
    drawn(open_page(tab, model="three", prompt="a"))


@pytest.mark.parametrize("tab", TABS)
def test_nonsense_in_the_url_harms_no_tab(open_page, tab: str):
    nonsense = ("stage", "map_method", "map_axes", "map_common", "shared_token", "position")
    drawn(open_page(tab, prompt=KING, **dict.fromkeys(nonsense, "<script>")))
    assert open_page("No such tab", prompt=KING).get("plotly_chart")


def test_text_of_a_user_is_never_read_as_markdown(open_page):
    app = open_page("neighbours", prompt="**bold** <b>x</b> $y$", position="0")
    drawn(app)
    shown = " ".join(element.value for element in app.markdown)
    assert "**bold**" not in shown
    assert "<b>x" not in shown


def test_the_map_says_what_share_of_the_variance_its_axes_show(open_page):
    app = open_page("map", prompt=KING, map_axes="3")
    figure = drawn(app)
    lm = gptviz.load("shakespeare")
    ids, _ = map_analysis.map_ids(lm, lm.ids(KING), 300)
    explained = map_analysis.pca(lm.model.wte.weight[ids].numpy(), 3).explained
    scene = figure["layout"]["scene"]
    titles = [scene[f"{axis}axis"]["title"]["text"] for axis in "xyz"]
    assert titles == [f"axis {i + 1}: {share:.1%} of variance" for i, share in enumerate(explained)]
    assert f"{explained.sum():.1%} of its variance" in words(app)


def test_a_map_by_tsne_claims_no_meaning_for_its_axes(open_page):
    app = open_page("map", prompt=KING, map_method="t-sne", map_common="50")
    figure = drawn(app)
    assert "no meaning" in figure["layout"]["xaxis"]["title"]["text"]
    assert "variance" not in words(app)


def test_positions_of_a_model_without_any_are_blank_and_said_to_be(open_page):
    assert "no position vectors" in words(open_page("positions", model="nowhere"))
    assert "computed waves" in words(open_page("positions", model="waves"))


def test_two_contexts_start_together_at_the_embedding(open_page):
    app = open_page("two-contexts", prompt=KING, other="A king, a king!", shared_token="1")
    figure = drawn(app)
    assert figure["layout"]["xaxis"]["title"]["text"] == "where the vector is read"
    assert "at position 1 of your text and 4 of the second" in words(app)
    app.session_state["prompt"] = "O queen, my queen"
    app.run()
    drawn(app)
    assert "**,** at position 2 of your text" in words(app)


def test_a_tsne_does_not_wait_while_another_browsers_prompt_is_computed():
    lm = gptviz.load("letters")
    done = threading.Event()

    def draw() -> None:
        maps.tsne(lm, tuple(range(40)), 2)
        done.set()

    with look.slot():  # another browser's prompt is being computed
        thread = threading.Thread(target=draw)
        thread.start()
        thread.join(120)
    assert done.is_set()


def test_a_map_that_two_browsers_ask_for_is_arranged_once(monkeypatch: pytest.MonkeyPatch):
    lm = gptviz.load("waves")
    started = []
    arrange = map_analysis.tsne
    monkeypatch.setattr(map_analysis, "tsne", lambda *given: started.append(1) or arrange(*given))
    found = []

    def ask() -> None:
        found.append(maps.tsne(lm, tuple(range(30)), 2))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(started) == 1
    assert found[0] is found[1] is found[2]


def test_the_words_about_another_browsers_map_go_when_it_is_there(monkeypatch: pytest.MonkeyPatch):
    lm, ids = gptviz.load("waves"), tuple(range(20))
    started, may_end = threading.Event(), threading.Event()

    class Job:
        iteration = 0

        def running(self, seconds: float) -> bool:
            started.set()
            return not may_end.wait(seconds)

        def result(self) -> map_analysis.Projection:
            return map_analysis.Projection(np.zeros((20, 2)), None)

    class Place:
        shown = ""

        def progress(self, _share: float, words: str) -> None:
            self.shown = words
            may_end.set()

        def empty(self) -> None:
            self.shown = ""

    def ask() -> map_analysis.Projection:
        return maps.tsne(lm, ids, 2)

    monkeypatch.setattr(map_analysis, "tsne", lambda *_: nullcontext(Job()))
    place = Place()
    with ThreadPoolExecutor() as pool:
        another = pool.submit(ask)
        assert started.wait(120)
        monkeypatch.setattr(st, "empty", lambda: place)
        assert ask() is another.result()
    assert may_end.is_set(), "it was said that another browser's map comes first"
    assert not place.shown
