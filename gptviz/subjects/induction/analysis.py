"""Induction heads: does a head find what came next last time, and does the model use it?

Measured as the prefix matching score of Olsson et al. (2022, In-context Learning and Induction
Heads): on random tokens that are said twice, where nothing but looking back can help.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from gptviz.language_model import LanguageModel
from gptviz.subjects.attention.analysis import induction, patterns, per_head
from gptviz.tracing import Edit

LONGEST = 50  # tokens that are said twice
N_TEXTS = 8


@dataclass(frozen=True)
class InductionScores:
    """How much each head looks at what came next last time, and what the model gains by it."""

    heads: list[list[float]]  # a list a layer, a number from 0 to 1 a head
    loss_first: float  # in nats a token, where the tokens are said for the first time
    loss_second: float  # of the same tokens, said for the second time


def repeated_texts(lm: LanguageModel, seed: int = 0) -> list[list[int]]:
    """Eight texts of different random tokens of the vocabulary, all of them said twice.

    As long as the context allows, and at most twice 50 tokens. Raises ValueError for a model
    whose context or vocabulary is too small for two tokens said twice.
    """
    vocabulary = min(lm.tokenizer.vocab_size, lm.config.vocab_size)
    half = min(LONGEST, vocabulary, lm.config.block_size // 2)
    if half < 2:
        raise ValueError(
            f"a context of {lm.config.block_size} and a vocabulary of {vocabulary} tokens are too "
            f"small to look for induction heads; both must hold 2 tokens said twice"
        )
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randperm(vocabulary, generator=generator)[:half].tolist() * 2 for _ in range(N_TEXTS)
    ]


def induction_scores(
    lm: LanguageModel, seed: int = 0, edits: Mapping[str, Edit] | None = None
) -> InductionScores:
    """The induction score of every head on `repeated_texts`.

    A head's score is the mean weight that the tokens of the second half give to the token after
    their own earlier occurrence: 1 for a head that does nothing else, about 1 ÷ (tokens in sight)
    for one that looks everywhere alike. No token stands twice in a half, so that there is one
    such token each. Both losses leave out the first token of their half, which nothing could
    tell. Raises ValueError as `repeated_texts` does, and for a model without attention.
    """
    lm.config.require_attention()
    texts = repeated_texts(lm, seed)
    heads = torch.zeros(lm.config.n_layer, lm.config.n_head)
    first = second = 0.0
    for ids in texts:
        trace = lm.trace(ids, ["h.*.attn.pattern", "logits"], edits)
        heads += per_head(induction(patterns(trace), ids)).cpu() / len(texts)
        target = torch.tensor(ids[1:], device=trace.logits.device)
        log_probs = trace.logits[:-1].log_softmax(-1)
        losses = -log_probs.gather(-1, target.unsqueeze(-1)).squeeze(-1).cpu()  # (T − 1,)
        half = len(ids) // 2
        first += float(losses[: half - 1].mean()) / len(texts)
        second += float(losses[half:].mean()) / len(texts)
    return InductionScores(heads.clamp(0, 1).tolist(), first, second)
