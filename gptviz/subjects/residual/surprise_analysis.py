"""How surprised the model was by each token of a text, and by the text."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz import measures
from gptviz.activations import Trace
from gptviz.language_model import LanguageModel

EXPECTED = 5  # likeliest tokens that are told beside the one that came
ROWS_AT_ONCE = 32  # positions that are ranked over a large vocabulary at one time


def surprisal(lm: LanguageModel, trace: Trace) -> Tensor:  # noqa: ARG001 - as its neighbours
    """−ln p of each token given the ones before it, (T,) in nats; NaN for the first token."""
    return measures.surprisal(trace.logits, trace.ids)


@torch.inference_mode()
def surprise_table(lm: LanguageModel, trace: Trace) -> pd.DataFrame:
    """How surprising each token was, but the first, of which nothing was expected.

    Columns: position, token, nats (−ln p), probability (p, given the tokens before), rank (1 is
    the likeliest) and expected, the five likeliest pieces with spaces between them.
    """
    nats = surprisal(lm, trace)[1:]
    ranks, expected = [], []
    targets = torch.tensor(trace.ids[1:], device=nats.device).unsqueeze(-1)
    for start in range(0, len(nats), ROWS_AT_ONCE):
        own = targets[start : start + ROWS_AT_ONCE]
        logits = trace.logits[start : start + len(own)]
        ranks += (1 + (logits > logits.gather(-1, own)).sum(-1)).tolist()
        top = logits.topk(min(EXPECTED, logits.size(-1))).indices.tolist()
        expected += [" ".join(lm.tokenizer.pieces(ids)) for ids in top]
    return pd.DataFrame(
        {
            "position": range(1, len(trace.ids)),
            "token": trace.tokens[1:],
            "nats": nats.cpu().numpy(),
            "probability": (-nats).exp().cpu().numpy(),
            "rank": np.array(ranks, dtype=np.int64),
            "expected": expected,
        }
    )


@torch.inference_mode()
def expected(lm: LanguageModel, trace: Trace, position: int, n: int = EXPECTED) -> pd.DataFrame:
    """What the model expected at a position, and the token that stands there.

    The n likeliest tokens after the ones before it; where the true one is not among them it
    follows as one more row. Columns: token, id, rank, probability, came (whether it stands there).
    Raises ValueError for position 0, of which nothing was expected.
    """
    if position < 1:
        raise ValueError("nothing stands before the first token, so nothing was expected of it")
    logits, own = trace.logits[position - 1], trace.ids[position]
    ids = logits.topk(min(n, len(logits))).indices.tolist()
    ids += [] if own in ids else [own]
    probabilities = logits.softmax(-1)
    return pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(ids),
            "id": ids,
            "rank": [1 + int((logits > logits[token]).sum()) for token in ids],
            "probability": [float(probabilities[token]) for token in ids],
            "came": [token == own for token in ids],
        }
    )


@dataclass(frozen=True)
class TextLoss:
    """How well the model guesses a text, of T tokens of which the first is not guessed."""

    loss: float  # mean −ln p in nats a token
    perplexity: float  # e to the loss: among how many equally likely tokens it seems to choose
    bits_per_byte: float  # of the guessed tokens
    uniform: float  # ln V: the loss of a guess that knows nothing


def text_loss(lm: LanguageModel, trace: Trace) -> TextLoss:
    """The loss of the text itself. Raises ValueError for a single token."""
    if len(trace.ids) < 2:
        raise ValueError("one token alone is not guessed by anything; give the model two or more")
    nats = surprisal(lm, trace)[1:].double()
    loss = float(nats.mean())
    size = sum(len(lm.tokenizer.token_bytes(token)) for token in trace.ids[1:])
    bits = float(nats.sum()) / float(np.log(2))
    return TextLoss(
        loss, float(np.exp(loss)), bits / max(1, size), float(np.log(lm.config.vocab_size))
    )
