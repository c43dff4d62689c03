"""What comes of attention: how much a head brings from each token, and over many layers.

A weight says how much of a token's value a head takes; how long that value is, the weight does not
say. Both numbers here go one step on, each in its own way.
"""

import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.subjects.attention.analysis import mean_over_heads, patterns, require_head


@torch.inference_mode()
def value_weighted(lm: LanguageModel, trace: Trace, layer: int, head: int) -> Tensor:
    """The length of what a head brings to each token from each token, (T, T).

    That is weight × value through the head's part of the output projection (Kobayashi et al.,
    2020, Attention is Not Only a Weight): the vectors whose sum, with those of the other heads and
    the bias, is the output of attention. Raises ValueError for a head that does not exist.
    """
    require_head(lm.config, layer, head)
    at = f"h.{layer}.attn"
    values = trace[f"{at}.v"][head]  # (T, d)
    d = values.size(-1)
    projection = lm.model.get_parameter(f"{at}.c_proj.weight").detach().cpu()
    written = values @ projection[:, head * d : (head + 1) * d].T  # (T, C)
    return trace[f"{at}.pattern"][head] * written.norm(dim=-1)


def shares(lengths: Tensor) -> Tensor:
    """Each row in parts of its sum, (T, T): comparable with weights. A row of zeros stays zero."""
    total = lengths.sum(-1, keepdim=True)
    return torch.where(total == 0, 0.0, lengths / total)


def rollout(trace: Trace) -> Tensor:
    """Where each token's vector comes from after each layer, (n_layer, T, T), if weights were all.

    Attention rollout (Abnar and Zuidema, 2020, Quantifying Attention Flow in Transformers): the
    mean of a layer's heads and, with the same weight, the way past them through the residual
    connection, multiplied from layer to layer. Each row sums to 1.
    """
    layers = patterns(trace)
    past = torch.eye(layers.size(-1))
    found = []
    for heads in layers:
        past = (mean_over_heads(heads) + torch.eye(len(past))) / 2 @ past
        found.append(past)
    return torch.stack(found)
