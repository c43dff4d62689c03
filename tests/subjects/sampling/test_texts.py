"""What is known of written tokens, against transformers; and how browsers share a text."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
import torch
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

import gptviz
from gptviz import LanguageModel
from gptviz.app import look
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling import texts
from gptviz.subjects.sampling.text_analysis import Recipe, Written, readable, text_table, write
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

PROMPT = "To be, or not to be"
SOME = SamplingSettings(temperature=0.7, top_k=12, top_p=0.9, repetition_penalty=1.3)


@pytest.fixture
def lm() -> LanguageModel:
    return gptviz.load("letters")


@pytest.fixture(autouse=True)
def _nobody_wrote_before() -> None:
    texts._texts.clear()
    texts._waiting.clear()


def recipe_of(lm: LanguageModel, settings: SamplingSettings = SOME, seed: int = 0) -> Recipe:
    return Recipe(tuple(lm.ids(PROMPT)), settings, seed, length=20)


def in_transformers(lm: LanguageModel, ids: list[int], s: SamplingSettings) -> torch.Tensor:
    """The distribution that transformers' processors would draw from."""
    scores = lm.trace(ids).logits[-1:]
    seen = torch.tensor([ids])
    for processor in (
        RepetitionPenaltyLogitsProcessor(s.repetition_penalty),
        TemperatureLogitsWarper(s.temperature),
        TopKLogitsWarper(s.top_k or len(scores[0])),
        TopPLogitsWarper(s.top_p),
    ):
        scores = processor(seen, scores)
    return scores[0].softmax(-1)


@pytest.mark.parametrize("settings", [SOME, SamplingSettings(0.8, 40), SamplingSettings(1.5)])
def test_rank_and_probability_of_each_written_token_are_those_of_transformers(lm, settings):
    recipe = recipe_of(lm, settings)
    ids = list(recipe.ids)
    for token in write(lm, recipe):
        theirs = in_transformers(lm, ids, settings)
        assert token.probability == pytest.approx(float(theirs[token.id]), rel=1e-4)
        assert token.kept == int((theirs > 0).sum())
        order = theirs.argsort(descending=True).tolist()
        assert token.rank == order.index(token.id) + 1
        assert token.before == pytest.approx(float(lm.trace(ids).logits[-1].softmax(-1)[token.id]))
        assert token.repeated == (token.id in ids)
        ids.append(token.id)
    assert len(ids) == len(recipe.ids) + 20


def test_greedy_tokens_are_the_first_of_one(lm):
    for token in write(lm, recipe_of(lm, SamplingSettings(0))):
        assert (token.rank, token.kept, token.probability) == (1, 1, 1.0)


def test_a_token_reads_as_in_a_book_unless_it_is_a_part_of_a_letter():
    tokenizer = GPT2Tokenizer()

    def shown(text: str) -> list[str]:
        ids = tokenizer.encode(text)
        return [readable(tokenizer, i, tokenizer.pieces([i])[0]) for i in ids]

    assert shown(" king.") == [" king", "."]
    assert "".join(shown("\n\nSo")) == "⏎⏎\n\nSo" or shown("\n\nSo") == ["⏎\n", "⏎\n", "So"]
    assert all(piece.startswith("⟨") for piece in shown("뷁"))
    assert shown("\0") == ["⟨U+0000⟩"]
    assert readable(CharacterTokenizer(["a"]), 7, "⟨7⟩") == "⟨7⟩"


def test_the_table_names_each_text_and_counts_its_tokens(lm):
    one = list(write(lm, recipe_of(lm)))
    table = text_table({"one": one, "other": one[:3]})
    assert table["written with"].tolist() == ["one"] * 20 + ["other"] * 3
    assert table["index"].tolist() == [*range(20), *range(3)]
    assert table["id"].tolist()[:20] == [token.id for token in one]


def whole(lm: LanguageModel, recipe: Recipe) -> list[Written]:
    *_, text = texts.growing(lm, recipe)
    return text.tokens


def test_thirty_who_ask_for_one_text_have_it_written_once(lm, monkeypatch: pytest.MonkeyPatch):
    recipe = recipe_of(lm)
    written = []
    add = texts.Text.add
    monkeypatch.setattr(texts.Text, "add", lambda text: (written.append(1), add(text)))
    found: list[list[Written]] = []
    threads = [threading.Thread(target=lambda: found.append(whole(lm, recipe))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(write(lm, recipe))] * 30
    assert len(written) == 21  # the last one finds that nothing is left to write
    assert whole(lm, recipe) == found[0]
    assert len(written) == 21


def test_the_processor_is_free_between_two_tokens(lm, monkeypatch: pytest.MonkeyPatch):
    turns = []
    real_slot = look.slot

    @contextmanager
    def counted(long: bool = False) -> Iterator[None]:
        with real_slot(long):
            turns.append("taken")
            yield
        turns.append("free")

    monkeypatch.setattr(look, "slot", counted)
    whole(lm, recipe_of(lm))
    assert turns == ["taken", "free"] * 21


class SupersededError(Exception):
    """Stands in for what ends a run in Streamlit."""


def test_who_is_superseded_stops_at_once_and_another_reader_goes_on(
    lm, monkeypatch: pytest.MonkeyPatch
):
    recipe = recipe_of(lm)
    expected = list(write(lm, recipe))
    with texts._wanted(lm, recipe) as text:  # somebody else reads along
        add = texts.Text.add

        def third(text: texts.Text) -> None:
            if len(text.tokens) == 3:
                raise SupersededError
            add(text)

        monkeypatch.setattr(texts.Text, "add", third)
        with pytest.raises(SupersededError):
            whole(lm, recipe)
        assert text.tokens == expected[:3]
        monkeypatch.setattr(texts.Text, "add", add)
        assert whole(lm, recipe) == expected
        assert text.tokens == expected
    assert texts.known(lm, recipe) is text


def test_a_text_that_nobody_wants_any_more_is_forgotten(lm):
    recipe = recipe_of(lm)
    with texts._wanted(lm, recipe) as text:
        text.add()
    assert not texts._texts
    assert not texts._waiting
    assert texts.known(lm, recipe) is None
    assert whole(lm, recipe) == list(write(lm, recipe))
    assert len(texts._texts) == 1
    assert not texts._waiting


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each wait is meant to be, on a clock on which each look takes 1 ms."""
    now = itertools.count()
    monkeypatch.setattr(texts, "time", SimpleNamespace(monotonic=lambda: next(now) / 1000))
    found: list[float] = []
    monkeypatch.setattr(texts, "_wait", found.append)
    return found


@pytest.mark.parametrize(("others", "rest"), [(0, 0), (1, 0.001), (2, 0.002), (9, 0.003)])
def test_a_text_alone_takes_what_it_needs_and_rests_where_others_wait(lm, rests, others, rest):
    with ExitStack() as stack:
        text = stack.enter_context(texts._wanted(lm, recipe_of(lm)))
        for seed in range(1, others + 1):
            stack.enter_context(texts._wanted(lm, recipe_of(lm, seed=seed)))
        while not text.done:
            texts._write_on(text)
    assert rests == pytest.approx([rest] * 21)


def test_one_text_is_written_after_the_other_in_the_order_of_asking(lm, monkeypatch):
    order = []
    add = texts.Text.add
    monkeypatch.setattr(texts.Text, "add", lambda text: (order.append(id(text)), add(text)))
    recipes = [recipe_of(lm, seed=seed) for seed in range(5)]
    with ExitStack() as stack:
        asked = [stack.enter_context(texts._wanted(lm, recipe)) for recipe in recipes]
        threads = [threading.Thread(target=whole, args=(lm, recipe)) for recipe in recipes[::-1]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert order == [id(text) for text in asked for _ in range(21)]
    assert not texts._waiting


@pytest.mark.usefixtures("rests")
def test_a_text_that_takes_long_makes_way_for_the_next(lm, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(texts, "TURN", 0.0045)  # five tokens
    with texts._wanted(lm, recipe_of(lm)) as one, texts._wanted(lm, recipe_of(lm, seed=1)) as other:
        for _ in range(5):
            assert texts._is_first(one)
            texts._write_on(one)
        assert texts._is_first(other)
        texts._write_on(other)
        assert (len(one.tokens), len(other.tokens)) == (5, 1)


def test_whoever_rests_looks_again_and_again_whether_all_has_changed(
    monkeypatch: pytest.MonkeyPatch,
):
    looks, slept = [], []
    now = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(texts, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(look, "end_if_superseded", lambda: looks.append(1))
    texts._wait(0.5)
    assert max(slept) <= 0.05
    assert len(looks) >= 10
