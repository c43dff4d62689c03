"""What each part of the network adds to the residual stream, and so to a logit."""

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel


@torch.inference_mode()
def added(lm: LanguageModel, trace: Trace, position: int) -> pd.DataFrame:
    """What each attention and each MLP adds to the stream of one token.

    Columns: part (the activation's name), layer, norm (length of what is added), cosine_stream
    (with the stream that it is added to), cosine_final (with the stream after the last block).
    Raises ValueError for a model whose norms come after the sums, or that has no sums or blocks.
    """
    _require_sum(lm)
    config = lm.config
    config.require_blocks()
    final = trace[config.stream[-1]][position]
    rows = []
    for i in range(config.n_layer):
        attention = [(f"h.{i}.attn", config.stream[i])] if config.attention else []
        mlp = [(f"h.{i}.mlp", f"h.{i}.resid_mid")] if config.mlp else []
        for name, stream in (*attention, *mlp):
            part = trace[name][position]
            rows.append(
                (
                    name,
                    i,
                    float(part.norm()),
                    float(cosine_similarity(part, trace[stream][position], dim=0)),
                    float(cosine_similarity(part, final, dim=0)),
                )
            )
    return pd.DataFrame(rows, columns=["part", "layer", "norm", "cosine_stream", "cosine_final"])


@torch.inference_mode()
def attribution(
    lm: LanguageModel, trace: Trace, position: int, token: int, against: int | None = None
) -> pd.Series:
    """Which part wrote a logit: direct logit attribution, exact but for rounding.

    The logit of `token` after a position, or how far it lies above that of `against`, as a sum
    over what the model adds up: wte, wpe, each head (h.0.attn.z.3 is head 3 of block 0), each MLP
    (h.0.mlp), and the biases (h.0.attn.bias, h.0.mlp.bias, ln_f.bias). The final norm divides
    by the spread of the whole stream; that number is held fixed, so each part is only scaled.
    Elhage et al. (2021, A Mathematical Framework for Transformer Circuits).

    Raises ValueError for a model whose norms come after the sums or that has none, for there the
    stream is no sum of parts.
    """
    _require_sum(lm)
    rows = lm.model.unembedding
    direction = rows[token].double() - (0 if against is None else rows[against].double())
    parts: dict[str, Tensor] = {name: trace[name][position] for name in ("wte", "wpe")}
    for i in range(lm.config.n_layer):
        if lm.config.attention:
            for head, part in enumerate(head_parts(lm, trace, i, position)):
                parts[f"h.{i}.attn.z.{head}"] = part
            parts[f"h.{i}.attn.bias"] = lm.model.get_parameter(f"h.{i}.attn.c_proj.bias")
        if lm.config.mlp:
            bias = lm.model.get_parameter(f"h.{i}.mlp.c_proj.bias")
            parts[f"h.{i}.mlp"] = trace[f"h.{i}.mlp"][position] - bias
            parts[f"h.{i}.mlp.bias"] = bias
    stacked = torch.stack([part.double() for part in parts.values()])  # (parts, C)
    last = None
    if lm.config.norm != "none":
        gamma, beta = (lm.model.get_parameter(f"ln_f.{name}") for name in ("weight", "bias"))
        whole = trace[lm.config.stream[-1]][position].double()
        scale = (whole.var(unbiased=False) + lm.config.layer_norm_epsilon).rsqrt()
        centred = stacked - stacked.mean(-1, keepdim=True)
        stacked = centred * scale * gamma.double()
        last = float(beta.double() @ direction)
    found = pd.Series((stacked @ direction).cpu().numpy(), index=list(parts), dtype=float)
    if last is not None:
        found["ln_f.bias"] = last
    return found


def part_table(parts: pd.Series) -> pd.DataFrame:
    """The parts of `attribution` in the order of computation: part, layer, logit; −1 is no layer.

    All biases are one row, the last: they are the same for every text.
    """
    is_bias = parts.index.str.endswith(".bias")
    rows = [(name, _layer(name), value) for name, value in parts[~is_bias].items()]
    rows.append(("biases", -1, float(parts[is_bias].sum())))
    return pd.DataFrame(rows, columns=["part", "layer", "logit"])


def head_table(parts: pd.Series) -> pd.DataFrame:
    """The heads' part of an attribution: layer, head, logit."""
    heads = parts[parts.index.str.contains(".attn.z.", regex=False)]
    numbers = [name.split(".") for name in heads.index]
    return pd.DataFrame(
        {
            "layer": [int(number[1]) for number in numbers],
            "head": [int(number[-1]) for number in numbers],
            "logit": heads.to_numpy(),
        }
    )


@torch.inference_mode()
def head_parts(lm: LanguageModel, trace: Trace, layer: int, position: int) -> Tensor:
    """What each head of a block adds to the stream of one token, (H, C), without the bias."""
    config = lm.config
    z = trace[f"h.{layer}.attn.z"][:, position]  # (H, d)
    weight = lm.model.get_parameter(f"h.{layer}.attn.c_proj.weight").view(
        config.n_embd, config.n_head, -1
    )
    return torch.einsum("hd,chd->hc", z, weight)


def _layer(name: str) -> int:
    return int(name.split(".")[1]) if name.startswith("h.") else -1


def _require_sum(lm: LanguageModel) -> None:
    if lm.config.norm == "post":
        raise ValueError(
            "in this model each norm comes after the sum (norm = post), so its stream is no sum "
            "of what the parts added; choose a model with norm = pre"
        )
    lm.config.require_shortcuts("so its stream is no sum of what the parts added")


def short_names(table: pd.DataFrame) -> list[str]:
    """The parts as an axis names them: L3 H1, L3 MLP, token, position, biases."""
    names = {"wte": "token", "wpe": "position"}
    short = []
    for part in table["part"]:
        _, layer, *rest = [*str(part).split("."), "", ""]
        kind = f"H{rest[2]}" if "attn" in rest else "MLP"
        short.append(names.get(part, part) if not layer else f"L{layer} {kind}")
    return short
