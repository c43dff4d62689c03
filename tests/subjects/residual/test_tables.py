"""Tables of the lens and of the parts, and which token a typed word means."""

import numpy as np
import pandas as pd
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import residual
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

TEXT = "the cat sat"
GPT2 = GPT2Tokenizer()


@pytest.fixture(scope="module")
def words_lm() -> LanguageModel:
    config = GPTConfig(GPT2.vocab_size, block_size=8, n_layer=1, n_head=1, n_embd=4)
    return LanguageModel(GPT(config, torch.Generator().manual_seed(0)), GPT2, "words", "words")


def test_the_lens_as_a_table_has_a_row_for_each_cell(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    found = residual.lens(tiny_lm, trace)
    table = residual.lens_table(tiny_lm, trace, found)
    assert len(table) == 3 * len(TEXT)
    row = table[(table["stage"] == "h.0") & (table["position"] == 4)].iloc[0]
    assert row["token"] == "c"
    alone = residual.cell(tiny_lm, trace, 1, 4, 1).iloc[0]
    assert (row["likeliest"], row["probability"]) == (
        alone["token"],
        pytest.approx(alone["probability"]),
    )


def test_biases_are_one_row_and_the_table_sums_to_the_same(tiny_lm):
    trace = tiny_lm.trace(TEXT)
    parts = residual.attribution(tiny_lm, trace, 4, 7)
    table = residual.part_table(parts)
    heads = [f"h.0.attn.z.{head}" for head in range(2)]
    more = [f"h.1.attn.z.{head}" for head in range(2)]
    assert table["part"].tolist() == ["wte", "wpe", *heads, "h.0.mlp", *more, "h.1.mlp", "biases"]
    assert table["layer"].tolist() == [-1, -1, 0, 0, 0, 1, 1, 1, -1]
    assert table["logit"].sum() == pytest.approx(parts.sum())


def test_the_heads_of_an_attribution_by_layer_and_number(tiny_lm):
    parts = residual.attribution(tiny_lm, tiny_lm.trace(TEXT), 4, 7)
    expected = pd.DataFrame(
        {
            "layer": [0, 0, 1, 1],
            "head": [0, 1, 0, 1],
            "logit": [parts[f"h.{i}.attn.z.{j}"] for i in range(2) for j in range(2)],
        }
    )
    pd.testing.assert_frame_equal(residual.head_table(parts), expected)


def test_a_typed_word_is_the_likelier_of_its_two_forms(words_lm):
    (spaced,), (plain,) = GPT2.encode(" king"), GPT2.encode("king")
    logits = np.zeros(GPT2.vocab_size)
    logits[plain] = 1
    assert residual.typed_token(words_lm, "king", torch.tensor(logits)) == plain
    assert residual.typed_token(words_lm, "king", torch.tensor(-logits)) == spaced
    for typed in (" king", "·king"):
        assert residual.typed_token(words_lm, typed, torch.tensor(logits)) == spaced
    assert residual.typed_token(words_lm, "⏎", torch.tensor(logits)) == GPT2.encode("\n")[0]


def test_what_is_no_single_token_is_told_with_its_pieces(words_lm):
    with pytest.raises(ValueError, match="reads it as ·kings pan"):
        residual.typed_token(words_lm, "kingspan", torch.zeros(GPT2.vocab_size))


def test_a_vocabulary_without_a_space_has_its_letters_all_the_same():
    letters = CharacterTokenizer("abc")
    lm = LanguageModel(GPT(GPTConfig(3, 8, 1, 1, 4)), letters, "letters", "letters")
    assert residual.typed_token(lm, "b", torch.zeros(3)) == 1
    with pytest.raises(ValueError, match="z"):
        residual.typed_token(lm, "z", torch.zeros(3))
