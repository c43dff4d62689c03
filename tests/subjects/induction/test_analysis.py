"""The induction score is what it says: 1 for a head that finds what came next last time."""

import pytest
import torch

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.induction.analysis import induction_scores, repeated_texts
from gptviz.tokenizers import CharacterTokenizer


def random_model(block_size: int = 24, characters: str = "abcdefghijklmnop") -> LanguageModel:
    tokenizer = CharacterTokenizer.from_text(characters)
    config = GPTConfig(tokenizer.vocab_size, block_size, n_layer=2, n_head=3, n_embd=12)
    model = GPT(config, torch.Generator().manual_seed(0))
    return LanguageModel(model, tokenizer, "tiny", "tiny")


def looks_at(key_of_row) -> torch.Tensor:
    """What makes of a head's pattern (H, T, T) one that puts all weight on a chosen key."""

    def edit(pattern: torch.Tensor, head: int) -> torch.Tensor:
        T = pattern.size(-1)
        pattern[head] = torch.eye(T)[[max(0, key_of_row(row, T // 2)) for row in range(T)]]
        return pattern

    return edit


AFTER_THE_EARLIER_ONE = looks_at(lambda row, half: row - half + 1)
AT_THE_EARLIER_ONE = looks_at(lambda row, half: row - half)


def test_a_head_that_looks_at_what_came_next_last_time_scores_1_and_only_that_head():
    lm = random_model()
    edits = {"h.1.attn.pattern": lambda pattern: AFTER_THE_EARLIER_ONE(pattern, 2)}
    scores = induction_scores(lm, edits=edits).heads
    assert scores[1][2] == pytest.approx(1)
    others = [*scores[0], *scores[1][:2]]
    # Eight to sixteen tokens of each text are in sight, and these heads look at all alike.
    assert all(1 / 24 < score < 1 / 12 for score in others)


def test_a_head_that_looks_at_the_earlier_token_itself_scores_0():
    lm = random_model()
    edits = {"h.0.attn.pattern": lambda pattern: AT_THE_EARLIER_ONE(pattern, 0)}
    assert induction_scores(lm, edits=edits).heads[0][0] == pytest.approx(0)


def test_each_text_says_different_tokens_of_the_vocabulary_twice():
    texts = repeated_texts(random_model(block_size=25), seed=3)
    assert len(texts) == 8
    for ids in texts:
        assert ids[:12] == ids[12:]
        assert len(set(ids)) == 12
        assert set(ids) <= set(range(16))
    assert len({tuple(ids) for ids in texts}) == 8
    assert texts == repeated_texts(random_model(block_size=25), seed=3)
    assert texts != repeated_texts(random_model(block_size=25), seed=4)


def test_a_text_is_no_longer_than_vocabulary_and_context_allow():
    assert len(repeated_texts(random_model(characters="abcde"))[0]) == 10
    assert len(repeated_texts(random_model(block_size=7))[0]) == 6


def test_the_losses_are_those_of_the_same_tokens_the_first_and_the_second_time():
    lm = random_model()
    first = second = 0.0
    for ids in repeated_texts(lm, seed=1):
        losses = [
            -float(lm.trace(ids[:i]).logits[-1].log_softmax(-1)[ids[i]]) for i in range(1, 24)
        ]
        assert ids[1:12] == ids[13:]
        first += sum(losses[:11]) / 11 / 8
        second += sum(losses[12:]) / 11 / 8
    found = induction_scores(lm, seed=1)
    assert found.loss_first == pytest.approx(first, abs=1e-4)
    assert found.loss_second == pytest.approx(second, abs=1e-4)


@pytest.mark.parametrize(("block_size", "characters"), [(3, "abc"), (16, "a")])
def test_a_model_too_small_to_say_two_tokens_twice_is_refused(block_size, characters):
    with pytest.raises(ValueError, match="too small to look for induction heads"):
        induction_scores(random_model(block_size, characters))
