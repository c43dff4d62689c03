"""Cross-entropy step by step: from logits to probabilities, to −ln p, to the loss of a text.

Perplexity is e to the mean loss: among how many equally likely tokens the guess seems to choose.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from gptviz import measures
from gptviz.activations import Trace
from gptviz.language_model import LanguageModel

LIKELIEST = 5  # tokens that are shown beside a chosen one
LEAST = 0.001  # where the curve of −ln p begins


def from_logits(logits: Sequence[float]) -> pd.DataFrame:
    """What softmax makes of logits, and the loss if each token were the one that came.

    Columns: token (from 0), logit, power (e to the logit less the largest one, which changes no
    probability and keeps e from growing beyond all numbers), probability, loss (−ln p in nats).
    """
    x = torch.tensor(logits, dtype=torch.float64)
    logs = x.log_softmax(-1)
    return pd.DataFrame(
        {
            "token": range(len(x)),
            "logit": x.numpy(),
            "power": (x - x.max()).exp().numpy(),
            "probability": logs.exp().numpy(),
            "loss": -logs.numpy() + 0.0,  # no −0
        }
    )


def curve(n: int = 1000) -> pd.DataFrame:
    """The loss of n probabilities from 0.001 to 1: probability, loss (−ln p in nats)."""
    p = np.linspace(LEAST, 1, n)
    return pd.DataFrame({"probability": p, "loss": -np.log(p) + 0.0})


@torch.inference_mode()
def sentence(trace: Trace) -> pd.DataFrame:
    """The loss of each token of a text but the first, before which nothing stands.

    Columns: position, token, probability (given the tokens before), loss (−ln p in nats), mean
    loss (of the tokens up to here), perplexity (e to the mean loss). Raises ValueError for a
    single token.
    """
    if len(trace.ids) < 2:
        raise ValueError(
            "nothing stands before the first token, so nothing guesses it; type a second one"
        )
    nats = measures.surprisal(trace.logits.double(), trace.ids)[1:].cpu().numpy()
    mean = np.cumsum(nats) / np.arange(1, len(nats) + 1)
    with np.errstate(over="ignore"):  # beyond e⁷⁰⁹ it is ∞
        perplexity = np.exp(mean)
    return pd.DataFrame(
        {
            "position": range(1, len(trace.ids)),
            "token": trace.tokens[1:],
            "probability": np.exp(-nats),
            "loss": nats,
            "mean loss": mean,
            "perplexity": perplexity,
        }
    )


@torch.inference_mode()
def next_table(lm: LanguageModel, trace: Trace, token: int) -> pd.DataFrame:
    """How wrong the model would be if a token came next, beside the five likeliest ones.

    Columns: token, id, rank (1 is the likeliest), probability, loss (−ln p in nats). The chosen
    token is the first row.
    """
    logits = trace.logits[-1].double()
    logs = logits.log_softmax(-1)
    likeliest = logits.topk(min(LIKELIEST, len(logits))).indices.tolist()
    ids = [token, *(other for other in likeliest if other != token)]
    return pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(ids),
            "id": ids,
            "rank": [1 + int((logits > logits[i]).sum()) for i in ids],
            "probability": [float(logs[i].exp()) for i in ids],
            "loss": [-float(logs[i]) + 0.0 for i in ids],
        }
    )
