"""Laws of comparing: a side is not apart from itself, and other sides swapped flip every sign."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import compare
from gptviz.tokenizers import CharacterTokenizer

LETTERS = "abcdefgh .\n"
OTHERS = "xhgfed .abc!"  # most of which are the same, in another order
WORDS = ("abc. feed head", "bad cafe. a be")


def lm_of(seed: int, letters: str = LETTERS, digest: str = "", **shape: int) -> LanguageModel:
    tokenizer = CharacterTokenizer(letters)
    size = {"block_size": 32, "n_layer": 2, "n_head": 2, "n_embd": 8, **shape}
    config = GPTConfig(tokenizer.vocab_size, **size)
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4, generator=generator)
    return LanguageModel(model, tokenizer, f"lm{seed}", digest or f"{seed} {letters} {size}")


def side(lm: LanguageModel, text: str):
    return lm, lm.trace(text)


ONE = side(lm_of(0), WORDS[0])
SAME_TEXT = side(lm_of(1), WORDS[0])
SAME_MODEL = side(ONE[0], WORDS[1])
LONGER = side(ONE[0], f"{WORDS[0]}.")
OTHER_LETTERS = side(lm_of(2, OTHERS), "hged fab.")
DEEPER = side(lm_of(3, n_layer=3, n_head=4), WORDS[0])
PAIRS = {"text": SAME_TEXT, "model": SAME_MODEL, "letters": OTHER_LETTERS, "depth": DEEPER}


def test_a_side_is_not_apart_from_itself():
    found = compare.next_tokens(*ONE, *ONE)
    assert (found.total_variation, found.kl) == (0, 0)
    assert not found.likeliest["difference"].any()
    assert not compare.pattern_difference(ONE[1], ONE[1], 1, 0).any()
    assert not compare.head_distances(ONE[1], ONE[1]).any()
    assert not compare.lens_distances(*ONE, *ONE).any()
    assert not compare.lens_way(*ONE, *ONE, (3, 3))["total_variation"].any()
    near = compare.neighbours(ONE[0], ONE[0], "a")
    assert near.shared == near.of_each == len(near.table)
    assert not near.table["difference"].any()
    assert compare.pairing(*ONE, *ONE).identical


@pytest.mark.parametrize("kind", PAIRS)
def test_sides_that_are_swapped_flip_every_sign_and_keep_every_distance(kind):
    other = PAIRS[kind]
    way, back = compare.next_tokens(*ONE, *other), compare.next_tokens(*other, *ONE)
    assert way.total_variation == pytest.approx(back.total_variation, abs=1e-12)
    assert way.shared == pytest.approx(back.shared[::-1])
    here, there = (t.differing.set_index("token")["difference"] for t in (way, back))
    assert len(here) == 10 or set(here.index) == set(there.index)
    both = here.index.intersection(there.index)
    assert len(both) >= 9
    np.testing.assert_allclose(here[both], -there[both], atol=1e-12)
    last = (len(ONE[1].ids) - 1, len(other[1].ids) - 1)
    cells = (
        compare.lens_cell(*ONE, *other, 1, last),
        compare.lens_cell(*other, *ONE, 1, last[::-1]),
    )
    assert cells[0].total_variation == pytest.approx(cells[1].total_variation)
    near, far = (
        compare.neighbours(ONE[0], other[0], "ad"),
        compare.neighbours(other[0], ONE[0], "ad"),
    )
    assert near.shared == far.shared
    assert near.unknown == far.unknown[::-1]
    here, there = (x.table.set_index("token")["difference"] for x in (near, far))
    np.testing.assert_allclose(here, -there[here.index], atol=1e-6)


@pytest.mark.parametrize("kind", ["text", "model", "depth"])
def test_pattern_and_lens_swapped(kind):
    other = PAIRS[kind]
    way = compare.pattern_difference(ONE[1], other[1], 1, 1)
    assert way.abs().max() > 0.01
    torch.testing.assert_close(way, -compare.pattern_difference(other[1], ONE[1], 1, 1))
    torch.testing.assert_close(way.sum(-1), torch.zeros(len(way)), atol=1e-5, rtol=0)
    distances = compare.head_distances(ONE[1], other[1])
    torch.testing.assert_close(distances, compare.head_distances(other[1], ONE[1]))
    assert float(distances[1, 1]) == pytest.approx(float(way.abs().max()))
    lens = compare.lens_distances(*ONE, *other)
    np.testing.assert_allclose(lens, compare.lens_distances(*other, *ONE), atol=1e-6)
    assert (lens >= 0).all()
    assert (lens <= 1 + 1e-6).all()


def test_the_last_row_of_the_lens_is_the_next_token():
    found = compare.next_tokens(*ONE, *SAME_TEXT)
    last = len(ONE[1].ids) - 1
    assert compare.lens_distances(*ONE, *SAME_TEXT)[-1, -1] == pytest.approx(found.total_variation)
    cell = compare.lens_cell(*ONE, *SAME_TEXT, 2, (last, last))
    assert cell.total_variation == pytest.approx(found.total_variation)
    assert cell.kl == pytest.approx(found.kl, abs=1e-6)
    way = compare.lens_way(*ONE, *SAME_TEXT, (last, last))
    assert way["total_variation"].tolist() == pytest.approx(
        compare.lens_distances(*ONE, *SAME_TEXT)[:, last].tolist(), abs=1e-6
    )
    assert way["left"].iloc[-1] == found.likeliest["token"].iloc[0]


def test_what_can_be_compared():
    def of(other):
        found = compare.pairing(*ONE, *other)
        return found.by_position, found.same_vocabulary, found.same_weights

    assert of(SAME_TEXT) == (True, True, False)
    assert of(SAME_MODEL) == (True, True, True)
    assert of(LONGER) == (False, True, True)
    assert of(OTHER_LETTERS) == (False, False, False)
    assert of(side(OTHER_LETTERS[0], WORDS[0])) == (True, False, False)  # cut alike
    changed = compare.pairing(*ONE, *SAME_MODEL).changed
    assert changed == tuple(i for i, (a, b) in enumerate(zip(*WORDS, strict=True)) if a != b)
    assert not compare.pairing(*ONE, *SAME_MODEL).identical


def test_texts_of_different_lengths_have_no_difference_of_patterns_and_lenses():
    for refused in (
        lambda: compare.pattern_difference(ONE[1], LONGER[1], 0, 0),
        lambda: compare.head_distances(ONE[1], LONGER[1]),
        lambda: compare.lens_distances(*ONE, *LONGER),
    ):
        with pytest.raises(ValueError, match="the left text has 14 tokens and the right one 15"):
            refused()
    both = compare.weights_of_both(ONE[1], LONGER[1], 0, 0)
    assert both.groupby("side").size().to_dict() == {"left": 14 * 15 / 2, "right": 15 * 16 / 2}


def test_a_layer_that_only_one_side_has_is_shown_only_there():
    with pytest.raises(ValueError, match="no L2 H0 on the left, whose model has 2 layers of 2"):
        compare.pattern_difference(ONE[1], DEEPER[1], 2, 0)
    with pytest.raises(ValueError, match="no L0 H3 on the left"):
        compare.weight_table(ONE[1], DEEPER[1], 0, 3)
    assert set(compare.weights_of_both(ONE[1], DEEPER[1], 2, 3)["side"]) == {"right"}
    with pytest.raises(ValueError, match="no L9 H0 on the left"):
        compare.weights_of_both(ONE[1], DEEPER[1], 9, 0)
    assert compare.head_distances(ONE[1], DEEPER[1]).shape == (2, 2)
    assert compare.lens_distances(*ONE, *DEEPER).shape == (3, 14)
    way = compare.lens_way(*ONE, *DEEPER, (13, 13))
    assert way["stage"].tolist() == ["embed", "h.0", "h.1", "h.2"]
    assert way.loc[3, "left"] == ""
    assert math.isnan(way.loc[3, "total_variation"])
    with pytest.raises(ValueError, match="row 3 came; both models have the rows 0 to 2"):
        compare.lens_cell(*ONE, *DEEPER, 3, (0, 0))


def test_tokens_of_two_vocabularies_are_compared_by_their_pieces():
    words = compare.vocabularies(ONE[0], OTHER_LETTERS[0])
    assert not words.same
    assert sorted(words.pieces) == sorted([*"abcdefgh.x!", "·", "⏎"])
    for lm, places in ((ONE[0], words.left), (OTHER_LETTERS[0], words.right)):
        pieces = lm.tokenizer.pieces(range(lm.config.vocab_size))
        assert [words.pieces[i] for i in places] == pieces
    found = compare.next_tokens(*ONE, *OTHER_LETTERS)
    p = dict(zip([*LETTERS], ONE[1].logits[-1].double().softmax(-1).tolist(), strict=True))
    q = dict(zip([*OTHERS], OTHER_LETTERS[1].logits[-1].double().softmax(-1).tolist(), strict=True))
    apart = sum(abs(p.get(x, 0) - q.get(x, 0)) for x in {*p, *q}) / 2
    assert found.total_variation == pytest.approx(apart, abs=1e-9)
    assert found.shared == pytest.approx((1 - p["\n"], 1 - q["x"] - q["!"]))
    assert found.kl == math.inf, "the left may say a newline, which the right cannot"
    for _, row in found.differing.iterrows():
        letter = row["token"].replace("·", " ").replace("⏎", "\n")
        expected = (p.get(letter, math.nan), q.get(letter, math.nan))
        assert (row["left"], row["right"]) == pytest.approx(expected, nan_ok=True)


def test_a_padded_vocabulary_is_another_one():
    padded = lm_of(4)
    wide = GPT(GPTConfig(16, 32, 2, 2, 8), torch.Generator().manual_seed(0))
    wider = LanguageModel(wide, padded.tokenizer, "wide", "wide")
    words = compare.vocabularies(padded, wider)
    assert not words.same
    assert words.pieces[11:] == [f"⟨{i}⟩" for i in range(11, 16)]


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_distances_have_the_values_of_their_definitions(data):
    n = data.draw(st.integers(2, 9))
    numbers = st.floats(-9, 9, width=32) | st.just(-math.inf)
    logits = [data.draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(2)]
    for own in logits:
        own[data.draw(st.integers(0, n - 1))] = 0.0  # one is possible at least
    ids = torch.arange(n)
    words = compare.Vocabularies(True, [str(i) for i in range(n)], ids, ids)
    found = compare.apart(words, *map(torch.tensor, logits))
    p, q = (np.exp(x) / np.exp(x).sum() for x in np.array(logits))
    assert found.total_variation == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-6)
    with np.errstate(divide="ignore"):
        kl = sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
    assert found.kl == pytest.approx(kl, abs=1e-5)
    assert found.kl >= 2 * found.total_variation**2 - 1e-6, "Pinsker's inequality"


def test_what_is_no_number_is_told():
    broken = ONE[1].logits[-1].clone()
    broken[3] = math.nan
    words = compare.vocabularies(ONE[0], ONE[0])
    with pytest.raises(ValueError, match="is a number"):
        compare.apart(words, ONE[1].logits[-1], broken)
