"""The MLP and its neurons: when each hidden unit fires, what it reads for and what it writes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Neuron:
    """What one hidden unit reads for and writes; tables with columns token, id and effect."""

    promoted: pd.DataFrame  # tokens whose logits rise most where it fires
    suppressed: pd.DataFrame  # tokens whose logits fall most
    reads: pd.DataFrame  # tokens whose embeddings alone excite it most


@torch.inference_mode()
def neuron(lm: LanguageModel, layer: int, index: int, n: int = 10) -> Neuron:
    """The tokens that a hidden unit of a block promotes, suppresses and reads for.

    promoted and suppressed: what an activation of 1 adds to each logit on the direct way, with
    the final norm's γ but not its scale, less the mean over the vocabulary (which changes no
    probability). reads: what each token's embedding, brought to variance 1 by the block's second
    norm, adds to the unit before its activation function. Geva et al. (2022, Transformer
    Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary Space). Raises
    ValueError for a unit that does not exist.
    """
    lm.config.require_mlp()
    hidden = lm.config.mlp_width
    _require("layer", layer, lm.config.n_layer)
    _require("index", index, hidden)
    lm.config.require_shortcuts("so no neuron reaches a logit directly")
    model, embeddings = lm.model, lm.model.wte.weight
    writes = model.get_parameter(f"h.{layer}.mlp.c_proj.weight")[:, index]  # (C,)
    if lm.config.norm == "pre":
        writes = (writes - writes.mean()) * model.get_parameter("ln_f.weight")
        embeddings = model.get_submodule(f"h.{layer}.ln_2")(embeddings)
    effect = model.compare(writes, model.unembedding)  # (V,)
    effect = effect - effect.mean()
    excites = embeddings @ model.get_parameter(f"h.{layer}.mlp.c_fc.weight")[index]  # (V,)
    return Neuron(_table(lm, effect, n), _table(lm, -effect, n, sign=-1), _table(lm, excites, n))


def activations(trace: Trace, layer: int, index: int) -> pd.DataFrame:
    """A hidden unit on every token: position, token, pre (before its function), act (after)."""
    trace.config.require_mlp()
    return pd.DataFrame(
        {
            "position": range(len(trace.ids)),
            "token": trace.tokens,
            "pre": trace[f"h.{layer}.mlp.pre"][:, index].cpu().numpy(),
            "act": trace[f"h.{layer}.mlp.act"][:, index].cpu().numpy(),
        }
    )


def most_active(trace: Trace, layer: int, position: int, n: int = 20) -> pd.DataFrame:
    """The hidden units that are furthest from 0 on one token: neuron, pre, act."""
    trace.config.require_mlp()
    act = trace[f"h.{layer}.mlp.act"][position]
    top = act.abs().topk(min(n, len(act))).indices
    pre = trace[f"h.{layer}.mlp.pre"][position]
    return pd.DataFrame(
        {"neuron": top.tolist(), "pre": pre[top].cpu().numpy(), "act": act[top].cpu().numpy()}
    )


def units(trace: Trace, layer: int, position: int) -> pd.DataFrame:
    """All hidden units of a block on one token: neuron, pre (before its function), act (after)."""
    trace.config.require_mlp()
    pre, act = (trace[f"h.{layer}.mlp.{name}"][position] for name in ("pre", "act"))
    return pd.DataFrame(
        {"neuron": range(len(act)), "pre": pre.cpu().numpy(), "act": act.cpu().numpy()}
    )


@torch.inference_mode()
def curve(lm: LanguageModel, low: float, high: float, n: int = 200) -> pd.DataFrame:
    """The model's own activation function between two numbers, and ReLU: x, own, relu."""
    lm.config.require_mlp()
    x = torch.linspace(low, high, n)
    own = lm.model.get_submodule("h.0.mlp.act")(x)
    return pd.DataFrame({"x": x.numpy(), "own": own.cpu().numpy(), "relu": x.relu().numpy()})


def neuron_table(found: Neuron) -> pd.DataFrame:
    """A neuron as one table: what (promotes, suppresses or reads), token, id, effect."""
    parts = {"promotes": found.promoted, "suppresses": found.suppressed, "reads": found.reads}
    return pd.concat([part.assign(what=what) for what, part in parts.items()], ignore_index=True)[
        ["what", "token", "id", "effect"]
    ]


def share_table(lm: LanguageModel, trace: Trace) -> pd.DataFrame:
    """The share of active units as a table: layer, position, token, share."""
    share = active_share(lm, trace)
    layers, T = share.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(layers), T),
            "position": np.tile(np.arange(T), layers),
            "token": trace.tokens * layers,
            "share": share.ravel(),
        }
    )


def active_share(lm: LanguageModel, trace: Trace) -> np.ndarray:
    """The share of hidden units whose input is above 0, (n_layer, T): those that let it through."""
    lm.config.require_mlp()
    layers = range(lm.config.n_layer)
    return np.stack([_share(trace[f"h.{i}.mlp.pre"]) for i in layers])


def _share(pre: Tensor) -> np.ndarray:
    return (pre > 0).float().mean(-1).cpu().numpy()


def _table(lm: LanguageModel, values: Tensor, n: int, sign: int = 1) -> pd.DataFrame:
    # A model may have room for more tokens than its tokenizer knows.
    top = values[: lm.tokenizer.vocab_size].topk(min(n, lm.tokenizer.vocab_size))
    ids = top.indices.tolist()
    return pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(ids),
            "id": ids,
            "effect": sign * top.values.cpu().numpy(),
        }
    )


def _require(name: str, value: int, count: int) -> None:
    if not 0 <= value < count:
        raise ValueError(f"{name} is {value}; this model has {count}, counted from 0")
