"""Laws of the residual stream: the parts sum to the logit, and the lens ends in the answer."""

import math

import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import residual
from gptviz.tokenizers import CharacterTokenizer

TEXT = "the cat sat on the mat"


def lm_of(**config: object) -> LanguageModel:
    tokenizer = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz .,!")
    model = GPT(GPTConfig(30, 32, 2, 2, 8, **config), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(1))
    return LanguageModel(model, tokenizer, "tiny", "tiny")


KINDS = {
    "plain": {},
    "untied": {"tie_weights": False},
    "without norms": {"norm": "none"},
    "waves": {"position": "sinusoidal"},
    "no bias": {"qkv_bias": False},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("against", [None, 4])
def test_the_parts_sum_to_the_logit(kind, against):
    lm = lm_of(**KINDS[kind])
    trace = lm.trace(TEXT)
    parts = residual.attribution(lm, trace, 9, 7, against)
    logit = trace.logits[9, 7] - (0 if against is None else trace.logits[9, against])
    assert parts.sum() == pytest.approx(float(logit), abs=1e-3)


def test_a_token_against_itself_is_nothing():
    lm = lm_of()
    parts = residual.attribution(lm, lm.trace(TEXT), 9, 7, against=7)
    assert np.array_equal(parts, np.zeros(len(parts)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_row_of_the_lens_is_the_output(kind):
    lm = lm_of(**KINDS[kind])
    trace = lm.trace(TEXT)
    found = residual.logit_lens(lm, trace)
    assert found.shape == (3, len(TEXT), 30)
    torch.testing.assert_close(found[-1], trace.logits.log_softmax(-1))
    drawn = residual.lens(lm, trace)
    assert np.array_equal(drawn.likeliest[-1], trace.logits.argmax(-1))
    assert drawn.divergence[-1].max() < 1e-6


def test_long_texts_are_read_in_pieces_with_the_same_numbers():
    lm = lm_of()
    trace = lm.trace("abcdefghij" * 3 + "ab")
    whole = residual.logit_lens(lm, trace)
    drawn = residual.lens(lm, trace)
    assert np.array_equal(drawn.likeliest, whole.argmax(-1))
    np.testing.assert_allclose(drawn.probability, whole.exp().amax(-1), rtol=1e-5)


def test_the_lens_tells_its_progress_which_may_end_it(tiny_lm):
    trace, told = tiny_lm.trace(TEXT), []
    residual.logit_lens(tiny_lm, trace, lambda *done: told.append(done))
    assert told == [(0, 3), (1, 3), (2, 3)]

    def enough(*_: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        residual.logit_lens(tiny_lm, trace, enough)


@pytest.mark.parametrize("change", [{"norm": "post"}, {"residual": False}])
def test_a_model_whose_stream_is_no_sum_has_no_parts(change):
    lm = lm_of(**change)
    trace = lm.trace(TEXT)
    with pytest.raises(ValueError, match="its stream is no sum"):
        residual.attribution(lm, trace, 3, 1)
    with pytest.raises(ValueError, match="its stream is no sum"):
        residual.added(lm, trace, 3)


def test_what_is_added_is_measured_against_the_stream(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    table = residual.added(tiny_lm, trace, 5).set_index("part")
    assert list(table.index) == ["h.0.attn", "h.0.mlp", "h.1.attn", "h.1.mlp"]
    part, stream = trace["h.1.attn"][5].numpy(), trace["h.0"][5].numpy()
    final = trace["h.1"][5].numpy()
    row = table.loc["h.1.attn"]
    assert row["norm"] == pytest.approx(np.linalg.norm(part), rel=1e-5)

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert row["cosine_stream"] == pytest.approx(cosine(part, stream), abs=1e-5)
    assert row["cosine_final"] == pytest.approx(cosine(part, final), abs=1e-5)


def test_nothing_was_expected_of_the_first_token(tiny_lm):
    trace = tiny_lm.trace("ab")
    assert math.isnan(residual.surprisal(tiny_lm, trace)[0])
    with pytest.raises(ValueError, match="nothing was expected"):
        residual.expected(tiny_lm, trace, 0)
    with pytest.raises(ValueError, match="one token alone"):
        residual.text_loss(tiny_lm, tiny_lm.trace("a"))


def test_the_token_that_came_stands_in_the_table_wherever_it_ranks(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    for position in range(1, len(TEXT)):
        table = residual.expected(tiny_lm, trace, position)
        probabilities = trace.logits[position - 1].softmax(-1)
        own = table[table["came"]]
        assert own["id"].item() == trace.ids[position]
        assert own["probability"].item() == pytest.approx(float(probabilities[own["id"].item()]))
        order = probabilities.argsort(descending=True).tolist()
        assert [order.index(token) + 1 for token in table["id"]] == table["rank"].tolist()
