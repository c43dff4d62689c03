"""The residual stream, read after each layer as the model reads it at its end: the logit lens."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.interventions import Progress
from gptviz.language_model import LanguageModel

ROWS_AT_ONCE = 32  # positions whose logits of a large vocabulary are in memory at one time


def stream_names(lm: LanguageModel) -> list[str]:
    """The stream before block 0 and after each block: embed, h.0, h.1, …"""
    return lm.config.stream


@torch.inference_mode()
def logit_lens(lm: LanguageModel, trace: Trace, progress: Progress | None = None) -> Tensor:
    """What the model would predict if it stopped after each block (nostalgebraist, 2020).

    Returns log-probabilities in nats, (n_layer + 1, T, V); row 0 reads the embedding and the last
    row is the model's own prediction. The final norm is applied to each. Takes the memory of one
    more row. progress(done, all) is called before each row; what it raises ends the work. Raises
    KeyError if the trace was recorded without the residual stream.
    """
    names, T = stream_names(lm), len(trace.ids)
    found = lm.model.unembedding.new_empty(len(names), T, lm.config.vocab_size)
    for i, (row, name) in enumerate(zip(found, names, strict=True)):
        if progress is not None:
            progress(i, len(names))
        logits = _read(lm, trace[name])
        for start in range(0, T, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            row[rows] = logits[rows].log_softmax(-1)
    return found


@dataclass(frozen=True, eq=False)
class Lens:
    """The lens in few enough numbers to draw: L + 1 rows, the embedding first, T columns."""

    likeliest: np.ndarray  # (L + 1, T) the likeliest token's id
    probability: np.ndarray  # (L + 1, T) its probability
    divergence: np.ndarray  # (L + 1, T) KL from the model's own distribution, in nats


@torch.inference_mode()
def lens(lm: LanguageModel, trace: Trace) -> Lens:
    """The likeliest token of each cell of `logit_lens`, and how far it is from the answer.

    The divergence is KL(answer ‖ cell): 0 in the last row. Takes the memory of a few positions'
    logits, however long the text is.
    """
    names, T = stream_names(lm), len(trace.ids)
    likeliest = np.empty((len(names), T), dtype=np.int64)
    probability, divergence = np.empty((2, len(names), T), dtype=np.float32)
    for start in range(0, T, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        answer = _read(lm, trace[names[-1]][rows])  # (rows, V)
        answer -= answer.amax(-1, keepdim=True)
        p = answer.softmax(-1)
        entropy = -torch.linalg.vecdot(p, answer) + answer.logsumexp(-1)
        for i, name in enumerate(names):
            logits = _read(lm, trace[name][rows])
            best = logits.max(-1)
            logits -= best.values.unsqueeze(-1)
            # A vocabulary is large: one product with p costs a tenth of Σ p · (ln p − ln q).
            cross = -torch.linalg.vecdot(p, logits)
            total = logits.exp_().sum(-1)
            likeliest[i, rows] = best.indices.cpu().numpy()
            probability[i, rows] = (1 / total).cpu().numpy()
            divergence[i, rows] = (cross + total.log() - entropy).clamp(min=0).cpu().numpy()
    return Lens(likeliest, probability, divergence)


def lens_table(lm: LanguageModel, trace: Trace, found: Lens) -> pd.DataFrame:
    """A row for each cell of the lens: its stage, position and token, and what was found."""
    rows, T = found.likeliest.shape
    return pd.DataFrame(
        {
            "stage": np.repeat(stream_names(lm), T),
            "position": np.tile(np.arange(T), rows),
            "token": trace.tokens * rows,
            "likeliest": lm.tokenizer.pieces(found.likeliest.ravel().tolist()),
            "probability": found.probability.ravel(),
            "divergence": found.divergence.ravel(),
        }
    )


@torch.inference_mode()
def cell(lm: LanguageModel, trace: Trace, row: int, position: int, n: int = 10) -> pd.DataFrame:
    """The n likeliest tokens of one cell of the lens; row 0 is the embedding.

    Columns: token (visible piece), id, probability.
    """
    logits = _read(lm, trace[stream_names(lm)[row]][position])
    top = logits.softmax(-1).topk(min(n, len(logits)))
    ids = top.indices.tolist()
    return pd.DataFrame(
        {"token": lm.tokenizer.pieces(ids), "id": ids, "probability": top.values.cpu().numpy()}
    )


@torch.inference_mode()
def followed(lm: LanguageModel, trace: Trace, position: int, token: int) -> pd.DataFrame:
    """One token on its way through the layers, as the lens sees it after a position.

    A row for the embedding and each block: stage, rank (1 is the likeliest), probability.
    """
    rows = []
    for name in stream_names(lm):
        logits = _read(lm, trace[name][position])
        rank = 1 + int((logits > logits[token]).sum())
        rows.append((name, rank, float(logits.softmax(-1)[token])))
    return pd.DataFrame(rows, columns=["stage", "rank", "probability"])


def typed_token(lm: LanguageModel, typed: str, logits: Tensor) -> int:
    """The id of a typed token; of its two forms, after a space and without, the likelier one.

    logits (V,) says which is likelier. · and ⏎ may stand for a space and the end of a line, as in
    pieces; then no other form is tried. Raises ValueError for a text that is no single token.
    """
    text = typed.replace("·", " ").replace("⏎", "\n")
    forms = [text] if text[:1].isspace() else [f" {text}", text]
    cut = []
    for form in forms:
        try:
            cut.append(lm.tokenizer.encode(form))
        except ValueError:  # a vocabulary of letters may have no space
            if form is forms[-1] and not cut:
                raise
    whole = [ids[0] for ids in cut if len(ids) == 1]
    if not whole:
        pieces = " ".join(lm.tokenizer.pieces(min(cut, key=len)))
        raise ValueError(
            f"“{typed}” is no single token of this model, which reads it as {pieces}; type one of "
            f"its tokens"
        )
    return max(whole, key=lambda token: float(logits[token]))


def _read(lm: LanguageModel, x: Tensor) -> Tensor:
    """Vectors of the stream (…, C), read as the model reads its last one: logits (…, V)."""
    return lm.model.unembed(lm.model.ln_f(x))
