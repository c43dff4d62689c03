"""Vectors of positions beside NumPy, and what the order of a text changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gptviz import GPT, LanguageModel
from gptviz.subjects import positions

TEXT = "the king sees"


def with_position(lm: LanguageModel, position: str, **more: object) -> LanguageModel:
    config = replace(lm.config, position=position, **more)
    model = GPT(config, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=torch.Generator().manual_seed(1))
    return LanguageModel(model, lm.tokenizer, position, position)


def test_the_waves_are_sines_and_cosines_that_get_slower(tiny_lm):
    table = positions.matrix(tiny_lm, "waves").drop(columns="position").to_numpy()
    place = np.arange(64)[:, None]
    angles = place / 10_000 ** (np.arange(0, 8, 2) / 8)
    assert table[:, 0::2] == pytest.approx(np.sin(angles), abs=1e-5)
    assert table[:, 1::2] == pytest.approx(np.cos(angles), abs=1e-5)


def test_the_matrix_of_a_model_is_its_own(tiny_lm):
    table = positions.matrix(tiny_lm, "own").drop(columns="position").to_numpy()
    assert table == pytest.approx(tiny_lm.model.wpe.weight.detach().numpy())
    assert not positions.matrix(with_position(tiny_lm, "none"), "own").iloc[:, 1:].any(axis=None)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "none"])
def test_a_token_and_its_place_sum_to_what_the_network_reads(tiny_lm, kind):
    lm = with_position(tiny_lm, kind)
    table = positions.added(lm.trace(TEXT), 4)
    row = lm.model.wte.weight[lm.tokenizer.encode(TEXT)[4]].detach().numpy()
    assert table["token"].to_numpy() == pytest.approx(row)
    own = positions.matrix(lm, "own").iloc[4, 1:].to_numpy(float)
    assert table["recorded"].to_numpy() == pytest.approx(row + own, abs=1e-6)
    assert table["sum"].to_numpy() == pytest.approx(table["recorded"].to_numpy())


def test_shuffling_keeps_the_last_token_and_changes_the_order():
    ids = (5, 6, 7, 8, 9)
    other = positions.shuffled_ids(ids, 3)
    assert other == positions.shuffled_ids(ids, 3)
    assert other[-1] == 9
    assert sorted(other) == sorted(ids)
    assert other != list(ids)
    for too_short in ((1,), (1, 2), (3, 3, 3, 4)):
        with pytest.raises(ValueError, match="nothing to shuffle"):
            positions.shuffled_ids(too_short, 0)


def test_without_positions_one_layer_sees_no_order_and_a_second_one_does(tiny_lm):
    lm = with_position(tiny_lm, "learned")
    table = positions.shuffled(lm, tuple(lm.ids(TEXT)), 0).moved.set_index("stage")
    assert table.index.tolist() == ["embed", "h.0", "h.1"]
    assert table.loc["embed"].tolist() == [0, 0, 0]
    assert table.loc["h.0", "none"] < 1e-5
    assert table.loc["h.1", "none"] > 1e-3
    assert (table.loc["h.0", ["own", "waves"]] > 1e-3).all()


def test_what_moves_is_that_of_a_model_with_such_positions(tiny_lm):
    lm = with_position(tiny_lm, "learned")
    ids = lm.ids(TEXT)
    bare = with_position(tiny_lm, "none")
    bare.model.load_state_dict(lm.model.state_dict(), strict=False)
    before, after = (bare.trace(x)["h.1"][-1] for x in (ids, positions.shuffled_ids(ids, 0)))
    expected = float((after - before).norm() / before.norm())
    table = positions.shuffled(lm, tuple(ids), 0).moved.set_index("stage")
    assert table.loc["h.1", "none"] == pytest.approx(expected, rel=1e-3)


def test_guesses_in_order_and_shuffled_are_compared(tiny_lm):
    lm = with_position(tiny_lm, "learned", n_layer=1)
    ids = lm.ids(TEXT)
    told: list[tuple[int, int]] = []
    found = positions.shuffled(lm, tuple(ids), 0, lambda *done: told.append(done))
    assert told == [(i, 6) for i in range(6)], "each run of the model can be the last"
    table = found.guesses.set_index("positions")
    p, q = (
        lm.trace(x).logits[-1].softmax(-1).numpy() for x in (ids, positions.shuffled_ids(ids, 0))
    )
    assert table.loc["own", "moved"] == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-5)
    assert table.loc["own", "likeliest"] == lm.tokenizer.pieces([int(p.argmax())])[0]
    assert table.loc["none", "moved"] < 1e-5, "one layer without positions sees no order"
