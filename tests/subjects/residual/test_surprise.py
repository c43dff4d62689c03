"""How surprised the model was, beside plain NumPy on the logits."""

import math

import numpy as np
import pytest

from gptviz.subjects import residual

TEXT = "the cat sat on the mat"


def probabilities(trace) -> np.ndarray:
    logits = trace.logits.double().numpy()
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_each_token_has_its_probability_its_rank_and_what_was_expected(tiny_lm):
    trace = tiny_lm.trace(TEXT * 2)  # more positions than are ranked at one time
    p = probabilities(trace)
    table = residual.surprise_table(tiny_lm, trace)
    assert table["position"].tolist() == list(range(1, len(trace.ids)))
    assert table["token"].tolist() == trace.tokens[1:]
    for row in table.itertuples():
        before, own = p[row.position - 1], trace.ids[row.position]
        assert row.nats == pytest.approx(-math.log(before[own]), rel=1e-4)
        assert row.probability == pytest.approx(before[own], rel=1e-4)
        assert row.rank == 1 + int((before > before[own]).sum())
        likeliest = np.argsort(-before)[:5].tolist()
        assert row.expected == " ".join(tiny_lm.tokenizer.pieces(likeliest))


def test_the_loss_of_a_text_is_told_in_four_ways(tiny_lm):
    trace = tiny_lm.trace("a kitten")
    p = probabilities(trace)
    own = [p[i, token] for i, token in enumerate(trace.ids[1:])]
    told = residual.text_loss(tiny_lm, trace)
    loss = -float(np.log(own).mean())
    assert told.loss == pytest.approx(loss, rel=1e-5)
    assert told.perplexity == pytest.approx(math.exp(loss), rel=1e-5)
    assert told.bits_per_byte == pytest.approx(-float(np.log2(own).sum()) / 7, rel=1e-5)
    assert told.uniform == pytest.approx(math.log(tiny_lm.config.vocab_size))


def test_a_single_token_has_no_surprise(tiny_lm):
    assert residual.surprise_table(tiny_lm, tiny_lm.trace("a")).empty
