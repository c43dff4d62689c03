"""GPT-2 (Radford et al., 2019, Language Models are Unsupervised Multitask Learners), leaves first.

The letters used for shapes, here and everywhere in gptviz:

    B  batch: texts read side by side          T  positions read now
    C  width: n_embd                           S  positions that can be looked at, S >= T
    H  heads: n_head                           d  width of one head: C / H
    V  vocabulary: vocab_size

An `nn.Identity`, or an `Inner` within a fused operation, computes nothing and names a tensor that
no other module returns, so that a hook can see it. A module's path is its activation's name.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptviz.cache import Cache, LayerCache
from gptviz.config import GPTConfig
from gptviz.layers import DotProducts, Inner, Nothing, layer_norm, position_embedding

Attention = Literal["fused", "explicit"]


class CausalSelfAttention(nn.Module):
    """Each position gathers from itself and the ones before it (Vaswani et al., 2017).

    Fused attention is one operation, which makes neither scores nor a pattern. Explicit attention
    gives the same step by step, and is used wherever one of the two is wanted.
    """

    def __init__(self, config: GPTConfig, attention: Attention, layer: int):
        super().__init__()
        self.n_head = config.n_head
        self.divisor = config.attn_divisor(layer)
        self.attention = attention
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.qkv_bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.attn_pdrop)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)
        self.q, self.k, self.v = nn.Identity(), nn.Identity(), nn.Identity()
        self.scores, self.pattern, self.z = Inner(), Inner(), nn.Identity()

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        q, k, v = (self.split(part) for part in self.c_attn(x).split(x.size(-1), dim=-1))
        q, k, v = self.q(q), self.k(k), self.v(v)  # (B, H, T, d) each
        if cache is not None:
            k, v = cache.append(k, v)  # (B, H, S, d) each
        z = self.z(self.attend(q, k, v))  # (B, H, T, d)
        return self.resid_dropout(self.c_proj(self.merge(z)))  # (B, T, C)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        explicit = self.attention == "explicit" or self.scores.wanted or self.pattern.wanted
        return self.explicit(q, k, v) if explicit else self.fused(q, k, v)

    def explicit(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = self.scores(masked_scores(q, k, self.divisor))  # (B, H, T, S)
        pattern = self.pattern(scores.softmax(-1))  # (B, H, T, S)
        return self.attn_dropout(pattern) @ v

    def fused(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        T, S = q.size(-2), k.size(-2)
        whole = T == S  # only then does PyTorch's own causal mask mean ours
        mask = None if whole or T == 1 else visible(T, S, q.device)
        dropout, scale = self.attn_dropout.p if self.training else 0.0, 1 / self.divisor
        return F.scaled_dot_product_attention(q, k, v, mask, dropout, whole, scale=scale)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_head, -1)).transpose(-3, -2)  # (B, T, C) → (B, H, T, d)

    def merge(self, z: Tensor) -> Tensor:
        return z.transpose(-3, -2).flatten(-2)  # (B, H, T, d) → (B, T, C)


def masked_scores(q: Tensor, k: Tensor, divisor: float) -> Tensor:
    """How well each query fits each key it may look at, (…, T, S); −inf for those it may not."""
    hidden = ~visible(q.size(-2), k.size(-2), q.device)
    return ((q / divisor) @ k.transpose(-2, -1)).masked_fill(hidden, -math.inf)


def visible(T: int, S: int, device: torch.device) -> Tensor:
    """True where a position may look: at itself and back. The T queries are the last of S."""
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


class MLP(nn.Module):
    """Two layers with a bend between them, applied to each position by itself."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, config.mlp_width)
        self.pre = nn.Identity()
        self.act = {
            "gelu_tanh": nn.GELU(approximate="tanh"),
            "gelu": nn.GELU(),
            "relu": nn.ReLU(),
        }[config.activation]
        self.c_proj = nn.Linear(config.mlp_width, config.n_embd)
        self.dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.act(self.pre(self.c_fc(x)))  # (B, T, 4C), or n_inner in 4C's place
        return self.dropout(self.c_proj(hidden))  # (B, T, C)


class Block(nn.Module):
    """Attention, then the MLP; each adds its result to the residual stream."""

    def __init__(self, config: GPTConfig, attention: Attention, layer: int):
        super().__init__()
        self.post_norm = config.norm == "post"
        # A part that is left out adds nothing, and needs no norm.
        has_attn, has_mlp = config.attention, config.mlp
        self.ln_1 = layer_norm(config) if has_attn else nn.Identity()
        self.attn = CausalSelfAttention(config, attention, layer) if has_attn else Nothing()
        self.resid_mid = nn.Identity()
        self.ln_2 = layer_norm(config) if has_mlp else nn.Identity()
        self.mlp = MLP(config) if has_mlp else Nothing()

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        if self.post_norm:
            x = self.resid_mid(self.ln_1(x + self.attn(x, cache)))
            return self.ln_2(x + self.mlp(x))
        x = self.resid_mid(x + self.attn(self.ln_1(x), cache))
        return x + self.mlp(self.ln_2(x))


class BlockWithoutShortcuts(Block):
    """The same without the sums, to see what they are for: each result replaces the stream."""

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        x = self.resid_mid(self.attn(self.ln_1(x), cache))
        return self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """The whole network: token ids in, a score for every token of the vocabulary out.

    Weights are drawn as GPT-2's were: normal with standard deviation 0.02, the layers that
    write into the residual stream scaled down by √(2 · n_layer).
    """

    def __init__(
        self,
        config: GPTConfig,
        generator: torch.Generator | None = None,
        attention: Attention = "fused",
    ):
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = position_embedding(config)
        self.embed = nn.Identity()
        self.drop = nn.Dropout(config.embd_pdrop)
        kind = Block if config.residual else BlockWithoutShortcuts
        self.h = nn.ModuleList(kind(config, attention, i) for i in range(config.n_layer))
        # A post-norm block ends in a norm of its own, so there is nothing left to normalise.
        self.ln_f = nn.Identity() if config.norm == "post" else layer_norm(config)
        if not config.tie_weights:
            self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.compare = DotProducts()
        self.logits = nn.Identity()
        self.init_weights(generator)

    def forward(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits (B, T, V) of the token that follows each position of ids (B, T)."""
        return self.unembed(self.hidden(ids, cache))

    def hidden(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """The residual stream after the final norm, (B, T, C).

        With a cache, ids continue the positions that it already holds. Raises ValueError if
        the text is longer than the context.
        """
        past, T = cache.length if cache is not None else 0, ids.size(-1)
        if past + T > self.config.block_size:
            raise ValueError(
                f"{past + T} tokens do not fit this model's context of {self.config.block_size}; "
                f"shorten the text by {past + T - self.config.block_size}"
            )
        positions = torch.arange(past, past + T, device=ids.device).unsqueeze(0)  # (1, T)
        x = self.drop(self.embed(self.wte(ids) + self.wpe(positions)))  # (B, T, C)
        for i, block in enumerate(self.h):
            x = block(x, cache[i] if cache is not None else None)
        if cache is not None:
            cache.length = past + T
        return self.ln_f(x)

    def unembed(self, x: Tensor) -> Tensor:
        """Compare each vector of x (…, C) with every token's: logits (…, V)."""
        return self.logits(self.compare(x, self.unembedding))

    @property
    def unembedding(self) -> Tensor:
        """The matrix (V, C) that turns a vector into logits: wte.weight, where they are tied."""
        return self.wte.weight if self.config.tie_weights else self.lm_head.weight

    def new_cache(self, batch_size: int = 1, size: int | None = None) -> Cache:
        """An empty key/value cache, one entry a layer, for size positions (None: the context)."""
        return Cache(self.config, batch_size, size, self.wte.weight)

    @property
    def n_parameters(self) -> int:
        """How many numbers training adjusts; tied weights count once."""
        return sum(p.numel() for p in self.parameters())

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None) -> None:
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                into_stream = name.endswith("c_proj")
                std = 0.02 / math.sqrt(2 * self.config.n_layer) if into_stream else 0.02
                module.weight.normal_(std=std, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
