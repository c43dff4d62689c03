"""The embeddings page in Streamlit's AppTest; a browser proves the rest."""

import base64
import json
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import GPT, GPTConfig, checkpoints
from gptviz.analysis import embeddings, projection
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer
from gptviz.ui import embedding_resources, resources

ROOT = Path(__file__).parents[2]
APP = ROOT / "app.py"
LETTERS = CharacterTokenizer.from_text(
    " \n:,.'!?-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
TABS = (
    "Your tokens",
    "Neighbours",
    "Word pairs",
    "Analogies",
    "Map",
    "Positions",
    "Two contexts",
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


def open_page(tab: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120).switch_page("pages/embeddings.py")
    for key, value in {"vectors": tab, **query}.items():
        app.query_params[key] = value
    return app.run()


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
def test_each_tab_shows_one_finished_picture_that_names_its_tensor(tab: str, model: str):
    app = open_page(tab, model=model, prompt=KING)
    drawn(app)
    tensor = "wpe" if tab == "Positions" else "wte"
    assert f"`{tensor}" in words(app)


def test_the_first_tab_compares_the_tokens_of_the_prompt_at_the_chosen_stage():
    app = open_page("Your tokens", prompt=KING, stage="after L1")
    vectors = gptviz.load("shakespeare").trace(KING)["h.1"]
    expected = embeddings.cosine_similarity(vectors, vectors)
    z = drawn(app)["data"][0]["z"]
    shown = np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"])
    np.testing.assert_allclose(shown.reshape(5, 5), expected, atol=1e-5)
    assert "`h.1` · 5 × 8" in words(app)


@pytest.mark.parametrize("stage", ["after L99", "banana", "", "<b>"])
def test_a_stage_that_the_model_does_not_have_falls_back_to_the_token(stage: str):
    app = open_page("Your tokens", prompt=KING, stage=stage, position="-7")
    drawn(app)
    assert "`wte` · 5 × 8" in words(app)


def test_a_stage_falls_back_when_a_model_of_fewer_layers_is_chosen():
    app = open_page("Your tokens", model="letters", prompt="abc", stage="after L1")
    assert "`h.1`" in words(app)
    app.selectbox(key="model").set_value("waves").run()
    drawn(app)
    assert "`wte`" in words(app)


def test_neighbours_are_those_of_the_chosen_token_or_of_a_typed_word():
    app = open_page("Neighbours", prompt=KING, position="1")
    lm = gptviz.load("shakespeare")
    king = embeddings.word(lm, "king")
    expected = embeddings.nearest(lm, king.vector, 10, without=king.ids)
    assert drawn(app)["layout"]["yaxis"]["ticktext"] == expected["token"].tolist()
    app.text_input(key="word").set_value("Tybalt").run()
    drawn(app)
    assert "mean" in words(app)
    assert "·Ty + b + alt" in words(app)


def test_a_word_that_the_model_has_hardly_seen_is_marked_as_such():
    assert "Hardly seen" in words(open_page("Neighbours", word="computer"))
    assert "Hardly seen" not in words(open_page("Neighbours", word="king"))


RARITY = "Hardly seen|training text|Hatched|Hollow|⚠|Shakespeare"


@pytest.mark.parametrize("tab", TABS)
def test_only_of_a_model_with_counts_a_tab_says_what_is_rare(tab: str):
    rare = {"prompt": "the computer king", "word": "computer", "analogy_a": "computer"}
    rare |= {"pairs": "computer–king", "shared_token": "1 ·computer", "other": "a computer king"}
    for model, counted in (("uncounted", False), ("shakespeare", tab != "Positions")):
        app = open_page(tab, model=model, **rare)
        shown = json.dumps(drawn(app), ensure_ascii=False) + words(app)
        assert bool(re.search(RARITY, shown)) == counted, model


@pytest.mark.filterwarnings("ignore:.*is cut off or holds no array named counts")
def test_a_model_whose_counts_are_broken_is_drawn_as_one_without():
    app = open_page("Neighbours", model="spoilt", word="computer")
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
def test_a_map_says_what_its_backdrop_is(model: str, source: str):
    assert f"The backdrop: {source}" in words(open_page("Map", model=model, prompt=KING))


def test_pairs_of_ones_own_come_from_the_url():
    app = open_page("Word pairs", pairs="crown–throne,sun-moon")
    labels = drawn(app)["layout"]["yaxis"]["ticktext"]
    assert [label.split(", no.")[0] for label in labels] == ["crown – throne", "sun – moon"]


def test_an_analogy_says_that_its_own_words_are_left_out():
    app = open_page("Analogies", analogy_a="king", analogy_b="man", analogy_c="woman")
    shown = drawn(app)["layout"]["yaxis"]["ticktext"]
    assert not {"·king", "·man", "·woman"} & set(shown)
    assert "·king − ·man + ·woman" in words(app)
    assert "Hardly seen" not in words(app)


def test_hardly_seen_tokens_of_the_prompt_are_marked_wherever_their_vectors_are_drawn():
    prompt = "the computer king"
    app = open_page("Your tokens", prompt=prompt)
    axis = drawn(app)["layout"]["xaxis"]["ticktext"]
    assert axis == ["0 the", "1 ⚠·computer", "2 ·king"]
    assert "⚠: tokens that the training text holds fewer than" in words(app)
    assert "⚠" not in words(open_page("Your tokens", prompt=KING))

    other = {"prompt": prompt, "other": "a computer king"}
    assert "Hardly seen" in words(open_page("Two contexts", **other, shared_token="1 ·computer"))
    assert "Hardly seen" not in words(open_page("Two contexts", **other, shared_token="2 ·king"))


def test_a_piece_of_a_split_word_that_lies_nearest_is_not_called_one_of_the_words():
    letters = {"model": "letters", "prompt": "a", "analogy_a": "x", "analogy_b": "x"}
    app = open_page("Analogies", **letters, analogy_c="aaab")
    assert "The very nearest is a, a piece of a + a + a + b." in words(app)
    app = open_page("Analogies", **letters, analogy_c="q")
    assert "The very nearest is q, one of the three words itself" in words(app)


def test_an_analogy_warns_of_words_that_are_split_or_hardly_seen():
    app = open_page("Analogies", analogy_a="computer", analogy_b="king", analogy_c="Tybalt")
    drawn(app)
    assert "·computer − ·king + (·Ty + b + alt)" in words(app)
    assert "Tybalt = ·Ty + b + alt" in words(app)
    assert "so the result says little: ·computer." in words(app)


@pytest.mark.parametrize(
    ("tab", "query", "reason"),
    [
        ("Neighbours", {"model": "letters", "word": "🙂"}, "🙂 .U.1F642. is not among"),
        ("Neighbours", {"model": "letters", "word": "a" * 13}, "has 13 tokens"),
        ("Word pairs", {"pairs": "king"}, "“king” is no pair"),
        ("Word pairs", {"pairs": "*bold*–<b>x</b>,_"}, "“_” is no pair"),
        ("Word pairs", {"model": "three", "prompt": "a"}, "is not among the 3 characters"),
        ("Analogies", {"analogy_b": " "}, "Word b is empty; type one"),
        ("Map", {"model": "three", "prompt": "a", "map_method": "t-SNE"}, "choose PCA"),
        ("Map", {"model": "torn"}, "not all numbers.* choose another model"),
        ("Map", {"model": "torn", "map_method": "t-SNE"}, "not all numbers"),
        ("Two contexts", {"prompt": "king", "other": "spoon"}, "share no token"),
        ("Two contexts", {"prompt": "a king", "other": "king"}, "·king and king are two tokens"),
        ("Two contexts", {"other": "king " * 40}, "gptviz shows up to"),
    ],
)
def test_what_cannot_be_drawn_is_explained_in_a_sentence(tab: str, query: dict, reason: str):
    assert re.search(reason, refusal(open_page(tab, **query)))


@pytest.mark.parametrize("tab", set(TABS) - {"Word pairs", "Analogies"})
def test_one_token_and_a_vocabulary_of_three_are_enough(tab: str):
    drawn(open_page(tab, model="three", prompt="a"))


@pytest.mark.parametrize("tab", TABS)
def test_nonsense_in_the_url_harms_no_tab(tab: str):
    nonsense = ("stage", "map_method", "map_axes", "map_common", "shared_token", "position")
    drawn(open_page(tab, prompt=KING, **dict.fromkeys(nonsense, "<script>")))
    assert open_page("No such tab", prompt=KING).get("plotly_chart")


def test_text_of_a_user_is_never_read_as_markdown():
    app = open_page("Neighbours", prompt="**bold** <b>x</b> $y$", position="0")
    drawn(app)
    shown = " ".join(element.value for element in app.markdown)
    assert "**bold**" not in shown
    assert "<b>x" not in shown


def test_the_map_says_what_share_of_the_variance_its_axes_show():
    app = open_page("Map", prompt=KING, map_axes="3-D")
    figure = drawn(app)
    lm = gptviz.load("shakespeare")
    ids, _ = projection.map_ids(lm, lm.ids(KING), 300)
    explained = projection.pca(lm.model.wte.weight[ids].numpy(), 3).explained
    scene = figure["layout"]["scene"]
    titles = [scene[f"{axis}axis"]["title"]["text"] for axis in "xyz"]
    assert titles == [f"axis {i + 1}: {share:.1%} of variance" for i, share in enumerate(explained)]
    assert f"{explained.sum():.1%} of its variance" in words(app)


def test_a_map_by_tsne_claims_no_meaning_for_its_axes():
    app = open_page("Map", prompt=KING, map_method="t-SNE", map_common="50")
    figure = drawn(app)
    assert "no meaning" in figure["layout"]["xaxis"]["title"]["text"]
    assert "variance" not in words(app)


def test_positions_of_a_model_without_any_are_blank_and_said_to_be():
    assert "no position vectors" in words(open_page("Positions", model="nowhere"))
    assert "computed waves" in words(open_page("Positions", model="waves"))


def test_two_contexts_start_together_at_the_embedding():
    app = open_page("Two contexts", prompt=KING, other="A king, a king!", shared_token="1 ·king")
    figure = drawn(app)
    assert figure["layout"]["xaxis"]["title"]["text"] == "where the vector is read"
    assert "at position 1 of your text and 4 of the second" in words(app)
    app.text_area(key="prompt").set_value("O queen, my queen").run()
    drawn(app)
    assert "**,** at position 2 of your text" in words(app)


def test_a_tsne_does_not_wait_while_another_browsers_prompt_is_computed():
    lm = gptviz.load("letters")
    waiting, done = st.empty(), threading.Event()

    def draw() -> None:
        embedding_resources.token_map(lm, tuple(range(40)), "t-SNE", 2, waiting)
        done.set()

    with resources.slot(waiting):  # another browser's prompt is being computed
        thread = threading.Thread(target=draw)
        thread.start()
        thread.join(120)
    assert done.is_set()


def test_a_map_that_two_browsers_ask_for_is_arranged_once(monkeypatch: pytest.MonkeyPatch):
    lm = gptviz.load("waves")
    started = []
    arrange = projection.tsne
    monkeypatch.setattr(projection, "tsne", lambda *given: started.append(1) or arrange(*given))
    found = []

    def ask() -> None:
        found.append(embedding_resources.token_map(lm, tuple(range(30)), "t-SNE", 2, st.empty()))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(started) == 1
    assert found[0] is found[1] is found[2]


def test_the_words_about_another_browsers_map_go_when_it_is_there(monkeypatch: pytest.MonkeyPatch):
    lm, ids = gptviz.load("waves"), tuple(range(20))
    another = projection.Projection(np.zeros((20, 2)), None)

    class Place:
        shown: str | None = None

        def progress(self, _share: float, words: str) -> None:
            self.shown = words
            key = ("token_map", lm.digest, ids, "t-SNE", 2)
            monkeypatch.setitem(embedding_resources._maps, key, another)

        def empty(self) -> None:
            self.shown = None

    place = Place()
    with embedding_resources._turn:  # another browser's t-SNE runs
        found = embedding_resources.token_map(lm, ids, "t-SNE", 2, place)
    assert found is another
    assert place.shown is None
