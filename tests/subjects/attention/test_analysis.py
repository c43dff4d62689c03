import math

import pytest
import torch

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.attention import analysis as attention
from gptviz.tokenizers import CharacterTokenizer

NAN = float("nan")


@pytest.fixture(scope="module")
def lm():
    tokenizer = CharacterTokenizer.from_text("abcdefgh")
    config = GPTConfig(tokenizer.vocab_size, block_size=16, n_layer=3, n_head=2, n_embd=8)
    model = GPT(config, torch.Generator().manual_seed(0))
    return LanguageModel(model, tokenizer, "tiny", "tiny")


def rows(*values: list[float]) -> torch.Tensor:
    """A pattern from the visible part of each of its rows."""
    return torch.tensor([row + [0.0] * (len(values) - len(row)) for row in values])


LOOKS_BACK = rows([1.0], [1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0])
SPREADS_OUT = rows([1.0], [1 / 2] * 2, [1 / 3] * 3, [1 / 4] * 4)


def test_patterns_of_all_layers_lie_in_one_tensor(lm):
    trace = lm.trace("abcde")
    stacked = attention.patterns(trace)
    assert stacked.shape == (3, 2, 5, 5)
    assert torch.equal(stacked[1], trace["h.1.attn.pattern"])


def test_a_trace_without_patterns_is_refused_in_words(lm):
    with pytest.raises(ValueError, match="holds no attention pattern"):
        attention.patterns(lm.trace("abcde", names=["embed"]))


def test_entropy_counts_the_tokens_that_share_the_weight():
    expected = torch.tensor([0, math.log(2), math.log(3), math.log(4)])
    torch.testing.assert_close(attention.entropy(SPREADS_OUT), expected)
    assert attention.entropy(LOOKS_BACK).tolist() == [0, 0, 0, 0]


def test_normalised_entropy_is_1_for_an_even_spread_and_means_nothing_in_row_0():
    relative = attention.normalised_entropy(SPREADS_OUT)
    torch.testing.assert_close(relative, torch.tensor([NAN, 1, 1, 1]), equal_nan=True)
    assert attention.per_head(attention.normalised_entropy(LOOKS_BACK)) == 0


def test_a_head_that_looks_one_back_scores_1_on_the_previous_token():
    assert attention.per_head(attention.to_previous(LOOKS_BACK)) == 1
    measured = attention.to_previous(SPREADS_OUT)
    torch.testing.assert_close(measured, torch.tensor([NAN, 1 / 2, 1 / 3, 1 / 4]), equal_nan=True)


def test_row_0_does_not_count_as_looking_at_the_first_token():
    measured = attention.to_first(SPREADS_OUT)
    torch.testing.assert_close(measured, torch.tensor([NAN, 1 / 2, 1 / 3, 1 / 4]), equal_nan=True)


def test_induction_is_the_weight_on_what_came_next_last_time():
    # a b c a: the last a looks for what followed the first a, which is b at position 1.
    looks_at_b = rows([1.0], [1.0, 0.0], [1.0, 0.0, 0.0], [0.1, 0.7, 0.1, 0.1])
    measured = attention.induction(looks_at_b, [5, 6, 7, 5])
    torch.testing.assert_close(measured, torch.tensor([NAN, NAN, NAN, 0.7]), equal_nan=True)


def test_induction_adds_up_all_earlier_copies_but_never_counts_the_token_itself():
    pattern = rows([1.0], [0.5, 0.5], [0.2, 0.3, 0.5])
    # a a a: row 1 could only point at itself; row 2 points at position 1, which followed an a.
    measured = attention.induction(pattern, [5, 5, 5])
    torch.testing.assert_close(measured, torch.tensor([NAN, NAN, 0.3]), equal_nan=True)


def test_a_prompt_that_repeats_nothing_has_no_induction_score():
    assert attention.per_head(attention.induction(SPREADS_OUT, [1, 2, 3, 4])).isnan()


def test_induction_refuses_ids_that_do_not_match_the_pattern():
    with pytest.raises(ValueError, match="2 ids came for a pattern of 4 tokens"):
        attention.induction(SPREADS_OUT, [1, 2])


def test_measures_give_one_number_for_each_head_of_each_layer(lm):
    pattern = attention.patterns(lm.trace("abcab"))
    for measure in (attention.normalised_entropy, attention.to_previous, attention.to_first):
        assert attention.per_head(measure(pattern)).shape == (3, 2)
    assert attention.per_head(attention.induction(pattern, [0, 1, 2, 0, 1])).shape == (3, 2)


def test_hiding_the_first_token_leaves_a_blank_where_nothing_is_left():
    hidden = attention.without_first(rows([1.0], [1.0, 0.0], [0.5, 0.25, 0.25]))
    assert hidden[:2].isnan().all()
    assert hidden[2].tolist() == [0, 0.5, 0.5]


def test_a_single_token_is_measured_without_an_error():
    one = rows([1.0])
    assert attention.per_head(attention.normalised_entropy(one)).isnan()
    assert attention.per_head(attention.to_previous(one)).isnan()
    assert attention.per_head(attention.to_first(one)).isnan()
    assert attention.without_first(one).isnan().all()


def test_mean_and_maximum_over_heads_keep_the_tokens():
    heads = torch.stack((LOOKS_BACK, SPREADS_OUT))
    assert attention.mean_over_heads(heads)[2, 1] == pytest.approx((1 + 1 / 3) / 2)
    assert attention.maximum_over_heads(heads)[2].tolist() == pytest.approx([1 / 3, 1, 1 / 3, 0])


def test_patterns_that_fit_are_not_shrunk():
    same, side = attention.shrunk(SPREADS_OUT, 4)
    assert side == 1
    assert torch.equal(same, SPREADS_OUT)


def test_shrinking_keeps_the_strongest_weight_of_each_block():
    pattern = torch.zeros(5, 5)
    pattern[4, 1] = 0.9
    pattern[2, 3] = NAN
    small, side = attention.shrunk(pattern, 3)
    assert (side, small.shape) == (2, (3, 3))
    assert small[2, 0] == pytest.approx(0.9)
    assert small.sum() == pytest.approx(0.9)


def test_shrinking_to_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        attention.shrunk(SPREADS_OUT, 0)


def test_the_arithmetic_gives_what_the_model_computed(lm):
    trace = lm.trace("abcabcda")
    for layer, head, query in [(0, 0, 0), (1, 1, 4), (2, 0, 7)]:
        steps = attention.arithmetic(trace, layer, head, query)
        pattern = trace[f"h.{layer}.attn.pattern"][head, query]
        assert steps.table["weight"].to_numpy() == pytest.approx(pattern.numpy(), abs=1e-5)
        assert steps.z == pytest.approx(trace[f"h.{layer}.attn.z"][head, query].numpy(), abs=1e-5)
        assert steps.weighted.sum(0) == pytest.approx(steps.z, abs=1e-6)
        assert steps.error < 1e-5


def test_the_arithmetic_notices_a_trace_that_does_not_follow_from_q_k_and_v(lm):
    trace = lm.trace("abcabc", edits={"h.1.attn.pattern": lambda pattern: pattern.roll(1, -2)})
    assert attention.arithmetic(trace, 1, 0, 3).error > 0.05


def test_the_arithmetic_divides_by_the_root_of_the_head_width_and_masks_what_comes_later(lm):
    trace = lm.trace("abcde")
    table = attention.arithmetic(trace, 0, 1, 2).table
    q, k = trace["h.0.attn.q"][1], trace["h.0.attn.k"][1]
    assert table["q·k"][1] == pytest.approx(float(q[2] @ k[1]), abs=1e-6)
    assert (table["q·k ÷ √d"] * math.sqrt(4)).to_numpy() == pytest.approx(table["q·k"], abs=1e-6)
    assert table["masked"].tolist() == [False, False, False, True, True]
    assert table["weight"][3:].tolist() == [0, 0]
    assert table["piece"].tolist() == list("abcde")


@pytest.mark.parametrize("query", [-1, 5])
def test_the_arithmetic_of_a_token_that_is_not_there_is_refused(lm, query):
    with pytest.raises(ValueError, match="positions run from 0 to 4"):
        attention.arithmetic(lm.trace("abcde"), 0, 0, query)


def test_all_measures_of_all_heads_stand_in_one_table(lm):
    trace = lm.trace("abcab")
    pattern = attention.patterns(trace)
    table = attention.head_table(attention.head_measures(pattern, trace.ids))
    assert table[["layer", "head"]].to_numpy().tolist() == [
        [i, j] for i in range(3) for j in (0, 1)
    ]
    previous = attention.per_head(attention.to_previous(pattern))
    assert table["previous token"][5] == pytest.approx(float(previous[2, 1]))
    assert table["entropy"][3] == pytest.approx(float(attention.entropy(pattern)[1, 1].mean()))


def test_a_pattern_table_has_a_row_for_each_weight_that_can_be_above_0():
    table = attention.pattern_table(SPREADS_OUT, list("abcd"))
    assert len(table) == 10
    assert table.iloc[8].tolist() == [3, "d", 2, "c", 0.25]


def test_a_table_of_weighted_values_ends_in_their_sum(lm):
    trace = lm.trace("abcde")
    result = attention.arithmetic(trace, 0, 0, 2)
    table = attention.weighted_table(result, trace.tokens)
    assert table["key"].tolist() == ["0 a", "1 b", "2 c", "sum = z"]
    assert table.iloc[:3, 1:].sum().to_numpy() == pytest.approx(
        table.iloc[3, 1:].to_numpy(), abs=1e-6
    )
