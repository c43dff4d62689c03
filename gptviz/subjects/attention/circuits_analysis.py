"""What a head would look at and write, over the whole vocabulary, whatever the text.

The two circuits of a head (Elhage et al., 2021, A Mathematical Framework for Transformer
Circuits), read off its weights for token embeddings alone, without positions.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.subjects.attention.analysis import require_head


@dataclass(frozen=True, eq=False)
class Circuits:
    """A head's circuits, made a row at a time: each has V × V numbers, which no memory holds."""

    lm: LanguageModel
    layer: int
    head: int

    @torch.inference_mode()
    def qk(self, token: int) -> Tensor:
        """How much the head would look from this token at each token: scores (V,) before softmax.

        Each embedding passes the block's first norm; the query's and the key's bias count.
        """
        query = self._part(self._normed(self.lm.model.wte.weight[token]), 0)
        weight, bias = self._weight(1)
        keys = self._normed(self.lm.model.wte.weight)
        divisor = self.lm.config.attn_divisor(self.layer)
        return (keys @ (query @ weight) + query @ bias) / divisor

    @torch.inference_mode()
    def ov(self, token: int) -> Tensor:
        """What looking at this token would add to each logit, (V,), less the mean of all.

        Its value goes through the head's part of the output projection and the final norm's γ,
        without the norm's scale, which depends on the text. Raises ValueError for a model
        without shortcuts.
        """
        model, config = self.lm.model, self.lm.config
        config.require_shortcuts("so no head reaches a logit directly")
        value = self._part(self._normed(self.lm.model.wte.weight[token]), 2)
        d = value.size(-1)
        whole = model.get_parameter(f"h.{self.layer}.attn.c_proj.weight")
        out = whole[:, self.head * d : (self.head + 1) * d]
        written = out @ value  # (C,)
        if config.norm == "pre":
            written = (written - written.mean()) * model.get_parameter("ln_f.weight")
        logits = model.compare(written, model.unembedding)
        return logits - logits.mean()

    def _normed(self, x: Tensor) -> Tensor:
        if self.lm.config.norm != "pre":
            return x
        normed: Tensor = self.lm.model.get_submodule(f"h.{self.layer}.ln_1")(x)
        return normed

    def _weight(self, which: int) -> tuple[Tensor, Tensor]:
        """The head's part of c_attn: 0 for queries, 1 for keys, 2 for values; (d, C) and (d,)."""
        C, d = self.lm.config.n_embd, self.lm.config.n_embd // self.lm.config.n_head
        rows = slice(which * C + self.head * d, which * C + (self.head + 1) * d)
        c_attn = f"h.{self.layer}.attn.c_attn"
        weight = self.lm.model.get_parameter(f"{c_attn}.weight")[rows]
        if not self.lm.config.qkv_bias:
            return weight, weight.new_zeros(d)
        bias = self.lm.model.get_parameter(f"{c_attn}.bias")[rows]
        return weight, bias

    def _part(self, x: Tensor, which: int) -> Tensor:
        weight, bias = self._weight(which)
        return weight @ x + bias


def circuits(lm: LanguageModel, layer: int, head: int) -> Circuits:
    """The QK and OV circuit of a head. Raises ValueError for a head that does not exist."""
    require_head(lm.config, layer, head)
    return Circuits(lm, layer, head)


def circuit_table(found: Circuits, token: int, count: int) -> pd.DataFrame:
    """The tokens that come out first and last in both circuits of a head, for one token.

    Columns: circuit ("looks at", "writes" or "writes against"), rank (from 1), id, token and value:
    a score before softmax for the first, a change of the logit for the other two.
    """
    qk, ov = found.qk(token), found.ov(token)
    rows = []
    for circuit, values, sign in (
        ("looks at", qk, 1),
        ("writes", ov, 1),
        ("writes against", ov, -1),
    ):
        ids = (sign * values).topk(min(count, len(values))).indices.tolist()
        pieces = found.lm.tokenizer.pieces(ids)
        rows += [
            {
                "circuit": circuit,
                "rank": rank,
                "id": id_,
                "token": piece,
                "value": float(values[id_]),
            }
            for rank, (id_, piece) in enumerate(zip(ids, pieces, strict=True), start=1)
        ]
    return pd.DataFrame(rows)
