"""Beam search finds what transformers finds, and its tree adds up."""

import math

import pytest
import torch
from transformers import GPT2LMHeadModel

from gptviz import checkpoints
from gptviz.batch import BatchReader
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

V = 17
CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")


@torch.no_grad()
def language_model(
    seed: int = 0, block_size: int = 32, ends: frozenset[int] | None = None
) -> LanguageModel:
    generator = torch.Generator().manual_seed(seed)
    model = GPT(GPTConfig(V, block_size, n_layer=2, n_head=2, n_embd=8), generator)
    for parameter in model.parameters():
        parameter.normal_(std=0.4, generator=generator)
    return LanguageModel(model, CHARACTERS, "tiny", "tiny", ends=ends)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("beams", "ends", "penalty", "ngram"),
    [(1, (), 1.0, 0), (4, (), 1.0, 0), (3, (5,), 1.0, 0), (4, (2, 9), 0.0, 2), (5, (7,), 2.0, 0)],
)
def test_the_texts_and_scores_are_those_of_transformers(
    tmp_path, seed: int, beams: int, ends: tuple[int, ...], penalty: float, ngram: int
):
    lm = language_model(seed, ends=frozenset(ends))
    checkpoints.save(tmp_path, lm.model, CHARACTERS)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    prompt = [3, 1, 4]
    found = theirs.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, 3),
        do_sample=False,
        num_beams=beams,
        num_return_sequences=beams,
        max_new_tokens=12,
        length_penalty=penalty,
        no_repeat_ngram_size=ngram,
        eos_token_id=list(ends) or None,
        pad_token_id=16,
        return_dict_in_generate=True,
        output_scores=True,
    )
    ours = lm.beam_search(prompt, 12, beams, length_penalty=penalty, no_repeat_ngram_size=ngram)
    rows = [row[3:].tolist() for row in found.sequences]
    for text, row in zip(ours.hypotheses, rows, strict=True):
        assert list(text.ids) == row[: len(text.ids)]
        assert set(row[len(text.ids) :]) <= {16}
    if beams > 1:
        scores = [text.score for text in ours.hypotheses]
        assert scores == pytest.approx(found.sequences_scores.tolist(), abs=1e-4)


def test_each_token_s_log_probability_is_that_of_the_whole_text_and_totals_add_up():
    lm = language_model()
    prompt = lm.ids("abc")
    found = lm.beam_search("abc", 6, 3)
    for text in found.hypotheses:
        ids = [*prompt, *text.ids]
        log_p = lm.model(torch.tensor([ids]))[0].double().log_softmax(-1)
        own = log_p[range(2, 2 + len(text.ids)), list(text.ids)]
        path = [step[place] for step, place in zip(found.steps, text.places, strict=False)]
        assert [token.id for token in path] == list(text.ids)
        assert [token.log_probability for token in path] == pytest.approx(own.tolist(), abs=1e-5)
        assert text.log_probability == pytest.approx(float(own.sum()), abs=1e-5)
        assert text.score == pytest.approx(text.log_probability / len(text.ids))
        for token, parent, place in zip(path[1:], path, text.places, strict=False):
            assert token.parent == place
            assert token.total == pytest.approx(parent.total + token.log_probability)


def test_with_as_many_beams_as_texts_nothing_likelier_is_missed():
    lm = language_model(1)
    best = lm.beam_search("ab", 2, V).hypotheses[0]
    ids = torch.tensor([[*lm.ids("ab"), a] for a in range(V)])
    log_p = lm.model(ids)[:, -2:].double().log_softmax(-1)
    both = log_p[0, 0][:, None] + log_p[:, 1]
    assert best.log_probability == pytest.approx(float(both.max()), abs=1e-5)
    assert best.ids == divmod(int(both.argmax()), V)


def test_one_beam_is_greedy_writing_even_past_the_context():
    lm = language_model(block_size=8)
    greedy = [step.id for step in lm.generate("abc", 20, temperature=0)]
    assert list(lm.beam_search("abc", 20, 1).hypotheses[0].ids) == greedy


@pytest.mark.parametrize("block_size", [2, 5, 16])
def test_texts_that_are_read_together_get_the_logits_that_each_gets_alone(block_size: int):
    lm = language_model(block_size=block_size)
    rows = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 5, 5, 0, 3, 3, 8, 16, 2, 2]]
    reader, alone = BatchReader(lm.model, 10), [BatchReader(lm.model, 10) for _ in rows]
    for n in (1, 2, 3, 7, 10):
        together = reader.next_logits([row[:n] for row in rows])
        apart = [own.next_logits([row[:n]])[0] for own, row in zip(alone, rows, strict=True)]
        torch.testing.assert_close(together, torch.stack(apart), rtol=1e-4, atol=1e-5)


def test_progress_is_told_and_a_search_can_be_ended_there():
    class EndedError(Exception):
        pass

    told = []

    def progress(done: int, whole: int) -> None:
        told.append((done, whole))
        if done == 2:
            raise EndedError

    with pytest.raises(EndedError):
        language_model().beam_search("a", 9, 2, progress=progress)
    assert told == [(0, 9), (1, 9), (2, 9)]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0; a search takes 1 or more"),
        ({"num_beams": 0}, "num_beams is 0; it must be 1 or more"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size is -1; 0 is off"),
        ({"prompt": ""}, "the prompt is empty"),
    ],
)
def test_nonsense_is_refused_in_words(asked, words):
    with pytest.raises(ValueError, match=words):
        language_model().beam_search(**{"prompt": "abc", "max_new_tokens": 5, **asked})


def test_a_model_of_nan_is_told():
    lm = language_model()
    with torch.no_grad():
        lm.model.wpe.weight.fill_(math.nan)
    with pytest.raises(ValueError, match="this model gives NaN"):
        lm.beam_search("abc", 3)
