"""A tenth of a text is held out; its windows lie in order, each token once, or begin anywhere."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.training import batches, data

law = settings(max_examples=50, deadline=None)


@law
@given(n=st.integers(0, 300), block_size=st.integers(1, 20))
def test_the_last_tenth_is_held_out(n, block_size):
    ids = torch.arange(n)
    held_out = n // 10
    if held_out < block_size + 1:
        with pytest.raises(ValueError, match=f"{n} tokens are too few: the last tenth must hold"):
            data.split(ids, block_size)
        return
    train, validation = data.split(ids, block_size)
    assert train.tolist() == list(range(n - held_out))
    assert validation.tolist() == list(range(n - held_out, n))


@pytest.mark.parametrize(
    ("n", "way_out"),
    [
        (70, "use a longer text or a block_size below 7"),
        (20, "use a longer text or a block_size below 2"),
        (19, "use a longer text"),
        (0, "use a longer text"),
    ],
)
def test_the_way_out_of_a_text_that_is_too_short_leads_out(n, way_out):
    with pytest.raises(ValueError, match="too few") as error:
        data.split(torch.arange(n), 8)
    assert str(error.value).endswith(way_out)
    if "below" in way_out:
        data.split(torch.arange(n), n // 10 - 1)


@law
@given(ids=st.lists(st.integers(0, 9), max_size=40), at_once=st.integers(1, 50))
def test_tokens_are_counted_a_part_at_a_time_as_they_are_all_at_once(ids, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "COUNTED_AT_ONCE", at_once)
        found = data.count(np.array(ids, dtype=np.uint16), vocab_size=12)
    assert found.tolist() == [ids.count(token) for token in range(12)]


@law
@given(n=st.integers(2, 60), batch_size=st.integers(1, 5), block_size=st.integers(1, 10))
def test_windows_in_order_have_each_token_as_a_target_once(n, batch_size, block_size):
    if n < block_size + 1:
        return
    found = list(batches.windows_in_order(torch.arange(n), batch_size, block_size))
    inputs = torch.cat([x for x, _ in found])
    targets = torch.cat([y for _, y in found])
    assert torch.equal(targets, inputs + 1)
    seen = targets.flatten().tolist()
    assert seen == list(range(1, len(seen) + 1)), "from the second token on, each once"
    assert n - 1 - len(seen) < block_size, "only a last, shorter window is left out"
    assert all(len(x) == batch_size for x, _ in found[:-1])


@law
@given(n=st.integers(2, 2000), n_windows=st.integers(1, 200))
def test_a_part_of_the_windows_is_spread_over_the_whole_and_repeats_none(n, n_windows):
    starts = [int(x[0, 0]) for x, _ in batches.windows_in_order(torch.arange(n), 1, 1, n_windows)]
    assert len(starts) == len(set(starts)) == min(n_windows, n - 1)
    assert starts == sorted(starts)
    if n_windows > 1:
        assert (starts[0], starts[-1]) == (0, n - 2)
        gaps = [b - a for a, b in itertools.pairwise(starts)]
        assert max(gaps, default=0) - min(gaps, default=0) <= 1


@law
@given(
    n=st.integers(3, 40),
    batch_size=st.integers(1, 6),
    block_size=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_a_random_batch_holds_windows_of_the_text_and_their_next_tokens(
    n, batch_size, block_size, seed
):
    if n < block_size + 1:
        return
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = batches.random_batch(torch.arange(n), batch_size, block_size, generator)
    assert inputs.shape == targets.shape == (batch_size, block_size)
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs, inputs[:, :1] + torch.arange(block_size))
    assert inputs.min() >= 0
    assert targets.max() <= n - 1


def test_random_windows_begin_everywhere():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = batches.random_batch(torch.arange(10), 500, 3, generator)
    assert set(inputs[:, 0].tolist()) == set(range(7))
    assert targets.max() == 9


@law
@given(
    ids=st.lists(st.integers(0, 6), min_size=12, max_size=80),
    block_size=st.integers(2, 10),
    seed=st.integers(0, 99),
)
def test_a_window_may_begin_where_the_next_line_begins(ids, block_size, seed):
    text, ends = np.array(ids, dtype=np.uint16), {5, 6}
    usual, moved = (
        batches.random_batch(text, 4, block_size, torch.Generator().manual_seed(seed), ends, share)
        for share in (0.0, 1.0)
    )
    windows = {
        (*ids[at : at + block_size + 1], "line" if at and ids[at - 1] in ends else "")
        for at in range(len(ids) - block_size)
    }
    for before, x, y in zip(usual[0].tolist(), *(part.tolist() for part in moved), strict=True):
        assert x[1:] == y[:-1]
        whole = (*x, y[-1])
        if x == before:  # no line begins within a window's length, or too late
            assert {(*whole, ""), (*whole, "line")} & windows
        else:
            assert (*whole, "line") in windows


def test_all_windows_of_a_long_text_can_begin_with_a_line_and_the_share_is_kept():
    text = np.tile(np.arange(8, dtype=np.uint16), 200)  # 7 ends a line, so that 0 begins one
    firsts = {}
    for share in (0.0, 0.5, 1.0):
        generator = torch.Generator().manual_seed(0)
        inputs, _ = batches.random_batch(text, 2000, 16, generator, [7], share)
        firsts[share] = float((inputs[:, 0] == 0).float().mean())
    assert firsts[1.0] > 0.98
    assert 0.5 < firsts[0.5] < 0.62, "half of them, and an eighth of the rest by chance"
    assert firsts[0.0] < 0.2


@pytest.mark.parametrize("tokenizer", [GPT2Tokenizer(), CharacterTokenizer("ab\n")])
def test_lines_end_where_the_text_of_a_token_does(tokenizer):
    found = set(batches.line_ends(tokenizer))
    for token in range(tokenizer.vocab_size):
        ends = tokenizer.decode([token]).endswith("\n") or token == tokenizer.end_of_text
        assert (token in found) == ends
