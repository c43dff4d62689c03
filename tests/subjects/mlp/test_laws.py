"""Hidden units in numbers, beside plain NumPy on the trace's tensors."""

import numpy as np
import pytest

from gptviz.subjects.mlp import analysis as mlp

TEXT = "the cat sat"


def test_the_most_active_units_are_those_furthest_from_zero(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    act = trace["h.1.mlp.act"][4].numpy()
    table = mlp.most_active(trace, 1, 4, n=5)
    assert table["neuron"].tolist() == np.argsort(-np.abs(act))[:5].tolist()
    assert table["act"].tolist() == pytest.approx(act[table["neuron"]].tolist())


def test_a_unit_is_followed_over_all_tokens(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    table = mlp.activations(trace, 0, 3)
    assert table["token"].tolist() == trace.tokens
    assert table["pre"].tolist() == trace["h.0.mlp.pre"][:, 3].tolist()
    assert table["act"].tolist() == trace["h.0.mlp.act"][:, 3].tolist()


def test_the_share_of_active_units_counts_those_above_zero(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    share = mlp.active_share(tiny_lm, trace)
    assert share.shape == (2, len(TEXT))
    assert share[1, 2] == pytest.approx((trace["h.1.mlp.pre"][2].numpy() > 0).mean())


@pytest.mark.parametrize(("layer", "index"), [(2, 0), (0, 32), (-1, 0)])
def test_a_unit_that_does_not_exist_is_refused(tiny_lm, layer, index):
    with pytest.raises(ValueError, match="counted from 0"):
        mlp.neuron(tiny_lm, layer, index)
