"""How much heads look like a painting: laws, plain sums, and paintings as letters."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptviz import attention, checkpoints, load
from gptviz.subjects.attention import painting_analysis as analysis

RUMP = "'My name is Rumpelstiltskin,' said the little man. 'Rump"


@pytest.fixture(scope="module")
def tales():
    return load(checkpoints.find_listed("tales")).trace(RUMP)


def painted_at(n, *squares):
    painted = torch.zeros(n, n, dtype=torch.bool)
    for row, column in squares:
        painted[row, column] = True
    return painted


def order(table):
    return list(zip(table["layer"], table["head"], strict=True))


def test_the_share_is_taken_row_by_row_and_rows_without_paint_do_not_count():
    pattern = torch.tensor([[1.0, 0, 0], [0.3, 0.7, 0], [0.5, 0.3, 0.2]])
    assert attention.painted_share(pattern, painted_at(3, (2, 0))) == pytest.approx(0.5)
    squares = painted_at(3, (1, 1), (2, 0), (2, 2))
    assert attention.painted_share(pattern, squares) == pytest.approx((0.7 + 0.7) / 2)


def test_who_paints_everything_finds_that_every_head_looks_there(tales):
    shares = attention.painted_share(attention.patterns(tales), torch.ones(19, 19).tril() > 0)
    torch.testing.assert_close(shares, torch.ones(6, 8))
    assert attention.share_by_chance(torch.ones(19, 19).tril() > 0) == pytest.approx(1)


def test_what_two_paintings_of_the_same_rows_share_out_adds_up(tales):
    heads, chance = attention.patterns(tales), torch.Generator().manual_seed(0)
    one = (torch.rand(19, 19, generator=chance) < 0.5).tril()
    one[:, 0], one[1:, 1] = True, False  # both have paint in each row from 1 on
    one[0, 0] = False
    other = torch.ones(19, 19, dtype=torch.bool).tril() & ~one
    other[0, 0] = False
    both = attention.painted_share(heads, one) + attention.painted_share(heads, other)
    torch.testing.assert_close(both, torch.ones(6, 8))


@pytest.mark.parametrize("place", ["previous token", "first token", "same token"])
def test_a_starting_point_ranks_heads_as_the_measure_of_its_name_does(tales, place):
    starts = attention.starting_points(tales.ids)
    measured = attention.places(attention.patterns(tales), tales.ids, tales.tokens)[place]
    shares = attention.painted_share(attention.patterns(tales), starts[place])
    torch.testing.assert_close(shares, measured)
    best = attention.find_heads(tales)[place]
    found = attention.find_painted(tales, starts[place])
    assert (found.layer, found.head) == (best.layer, best.head)
    assert (found.score, found.alike) == pytest.approx((best.score, best.alike))


def test_a_starting_point_of_what_the_text_has_not_is_empty(tiny_lm):
    starts = attention.starting_points(tiny_lm.trace("abcd").ids)
    assert not starts["same token"].any()
    assert not any(start.any() for start in attention.starting_points([7]).values())


@pytest.mark.parametrize("seed", range(5))
def test_any_painting_ranks_heads_as_plain_sums_do(tales, seed):
    chance = np.random.default_rng(seed)
    squares = [(i, j) for i in range(19) for j in range(i + 1) if chance.random() < 0.1]
    rows = sorted({i for i, _ in squares})
    shares = {}
    for layer in range(6):
        weights = tales[f"h.{layer}.attn.pattern"].numpy().astype(np.float64)
        for head in range(8):
            shares[layer, head] = sum(weights[head, i, j] for i, j in squares) / len(rows)
    by_chance = sum(1 / (i + 1) for i, _ in squares) / len(rows)
    table = attention.rank_heads(tales, painted_at(19, *squares))
    assert order(table) == sorted(shares, key=lambda at: -shares[at])
    assert table["rank"].tolist() == list(range(1, 49))
    expected = [shares[at] for at in order(table)]
    assert table["painted share"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert table["by chance"].to_numpy() == pytest.approx(by_chance)
    times = [share / by_chance for share in expected]
    assert table["times chance"].to_numpy() == pytest.approx(times, rel=1e-3)


def test_a_painting_of_the_first_tokens_asks_what_a_head_does_with_them_alone(tales):
    few = load(checkpoints.find_listed("tales")).trace(tales.ids[:7])
    squares = painted_at(7, (3, 1), (6, 2), (6, 5))
    torch.testing.assert_close(
        attention.painted_share(attention.patterns(tales), squares),
        attention.painted_share(attention.patterns(few), squares),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("painted", "message"),
    [
        (painted_at(4), "nothing is painted; paint at least one square"),
        (painted_at(4, (1, 3)), "row 1, column 3 is painted, but token 1 cannot see token 3"),
        (painted_at(5, (4, 0)), "a painting of 5 × 5 came for 4 tokens"),
        (torch.ones(2, 3), "a painting of 2 × 3 came for 4 tokens"),
    ],
)
def test_a_painting_that_no_head_can_look_like_is_refused(tiny_lm, painted, message):
    trace = tiny_lm.trace("abca")
    for ask in (
        lambda: attention.painted_share(attention.patterns(trace), painted),
        lambda: attention.rank_heads(trace, painted),
    ):
        with pytest.raises(ValueError, match=message):
            ask()


def test_no_head_is_found_where_nothing_tells_them_apart(tiny_lm):
    trace = tiny_lm.trace("abca")
    assert attention.find_painted(trace, painted_at(4)) is None
    all_of_a_row = painted_at(4, (2, 0), (2, 1), (2, 2))
    assert attention.find_painted(trace, all_of_a_row) is None
    assert attention.find_painted(trace, painted_at(4, (0, 0))) is None
    assert attention.find_painted(trace, painted_at(4, (2, 0), (2, 1))) is not None
    broken = tiny_lm.trace("abca", edits={"embed": lambda x: x * math.nan})
    assert attention.find_painted(broken, painted_at(4, (2, 0))) is None


def test_the_letters_of_a_painting_are_its_squares_row_by_row_in_base_64():
    # 0 | 1 0 | 0 1 0: as a byte 01001000, and 010010 000000 in base 64 is SA.
    assert attention.painting_text(painted_at(3, (1, 0), (2, 1))) == "SA"
    assert attention.painting_text(painted_at(3)) == ""
    assert attention.painting_text(painted_at(32, (1, 0), (2, 1))) == "SA"


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, 819)))))
def test_a_painting_comes_back_from_its_letters_and_a_shorter_text_has_the_first_rows(drawn):
    n, numbers = drawn
    rows, columns = np.tril_indices(n)
    painted = painted_at(n, *((rows[i], columns[i]) for i in numbers if i < len(rows)))
    letters = attention.painting_text(painted)
    assert torch.equal(attention.painting_of(letters, n), painted)
    if n <= analysis.MOST_PAINTED:
        assert torch.equal(attention.painting_of(letters, 32)[:n, :n], painted)
        few = max(1, n // 2)
        assert torch.equal(attention.painting_of(letters, few), painted[:few, :few])


@pytest.mark.parametrize(
    "letters",
    # Signs of no base 64; one letter; bits that stand for nothing; a zero at the end; too long.
    ["S A", "SA==", "é", "S+", "A", "SB", "AA", "SAA", "_" * 89, "9" * 5000],
)
def test_letters_that_stand_for_no_painting_are_refused(letters):
    with pytest.raises(ValueError, match="stand for no painting"):
        attention.painting_of(letters, 5)
