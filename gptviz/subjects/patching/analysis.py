"""Activation patching: which part of a run carries what makes the difference.

Two prompts of equal length, a clean and a corrupted one. The corrupted one is run again and again,
each time with one activation taken from the clean run; where that brings the clean answer back,
the activation carries what the answer depends on (Meng et al., 2022, Locating and Editing Factual
Associations in GPT; Heimersheim and Nanda, 2024, How to Use and Interpret Activation Patching).
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import activation_names, expand
from gptviz.interventions import Progress, each_changed, measured
from gptviz.language_model import LanguageModel
from gptviz.measures import AnyMeasure, logit_difference, resolve
from gptviz.quoting import quoted

STREAM, ATTN, MLP, HEADS = "h.*", "h.*.attn", "h.*.mlp", "h.*.attn.z"


def patch(
    lm: LanguageModel,
    clean: str | Sequence[int],
    corrupted: str | Sequence[int],
    names: str,
    measure: AnyMeasure,
    progress: Progress | None = None,
) -> Tensor:
    """The share of a measure that each patch restores: 0 as if corrupted, 1 as in the clean run.

    names is "h.*" (the stream after each block), "h.*.attn" or "h.*.mlp" (what is added to it):
    (n_layer, T), one layer and position a patch; or "h.*.attn.z": (n_layer, n_head), one head at
    all positions a patch. "kl" compares with the clean run, and "loss" is that of the clean text.
    Reads TOKENS_AT_ONCE tokens at a time and keeps no logits but those of one run.
    progress(done, all) is called before each batch; what it raises ends the work.

    Raises ValueError for prompts of different lengths, for another name, for a model that lacks
    what is patched, and where the measure is no number or the same in both runs, so that there is
    nothing to restore.
    """
    clean_ids, corrupted_ids = lm.ids(clean), lm.ids(corrupted)
    if len(clean_ids) != len(corrupted_ids):
        raise ValueError(
            f"the clean prompt has {len(clean_ids)} tokens and the corrupted one "
            f"{len(corrupted_ids)}; patching needs one token of each for every position, so "
            f"change words for others of as many tokens"
        )
    if names not in (STREAM, ATTN, MLP, HEADS):
        raise ValueError(
            f"{quoted(names)} cannot be patched; choose {STREAM}, {ATTN}, {MLP} or {HEADS}"
        )
    lm.config.require_blocks()
    if names in (ATTN, HEADS):
        lm.config.require_attention()
    elif names == MLP:
        lm.config.require_mlp()
    resolved = resolve(measure, lm, clean_ids)
    kept = lm.trace(clean_ids, [names, "ln_f"])
    usual = lm.trace(corrupted_ids, ["embed", "h.*", "ln_f"])
    both = torch.stack([kept["ln_f"], usual["ln_f"]])
    whole, nothing = measured(lm, both, resolved).tolist()
    if not (math.isfinite(whole) and math.isfinite(nothing)):
        raise ValueError(
            f"the measure is {whole:.4g} in the clean run and {nothing:.4g} in the corrupted one, "
            f"so no share of it can be restored; choose a measure that is a number in both"
        )
    if whole == nothing:
        raise ValueError(
            f"the measure is {whole:.4g} in the clean and in the corrupted run, so there is "
            f"nothing that a patch could restore; choose prompts or tokens for which they differ"
        )
    per_layer = lm.config.n_head if names == HEADS else len(clean_ids)
    layers = expand([names], activation_names(lm.config))
    rows = []
    for i, name in enumerate(layers):
        source = kept[name]

        def change(activation: Tensor, run: int, source: Tensor = source) -> None:
            place = (run,) if names == HEADS else (..., run, slice(None))
            activation[place] = source[place]

        def before(done: int, i: int = i) -> None:
            if progress is not None:
                progress(i * per_layer + done, len(layers) * per_layer)

        rows.append(each_changed(lm, usual, name, per_layer, change, resolved, before))
    return (torch.stack(rows) - nothing) / (whole - nothing)


def table(found: Tensor, labels: Sequence[str], column: str) -> pd.DataFrame:
    """What `patch` found, a row for each patch: layer, the column (position or head), its label.

    Columns: layer, position or head as `column` says, label, restored.
    """
    n_layer, n = found.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layer), n),
            column: np.tile(np.arange(n), n_layer),
            "label": list(labels) * n_layer,
            "restored": found.ravel().numpy(),
        }
    )


def answers_restored(
    lm: LanguageModel,
    clean: tuple[int, ...],
    corrupted: tuple[int, ...],
    names: str,
    answer: int,
    other_answer: int,
    progress: Progress | None = None,
) -> Tensor:
    """`patch`, measured by how far the logit of one answer lies above that of another."""
    measure = logit_difference(answer, other_answer)
    return patch(lm, clean, corrupted, names, measure, progress)
