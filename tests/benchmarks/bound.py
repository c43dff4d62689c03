"""A GPT-2 written by hand for speed alone: what is left when nothing is named, checked or shown.

It is a contestant of peers.py, there to tell how far a result is from what the machine allows.
Weights are random; numbers are float32.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Inference:
    """Trace and decode with weights in oneDNN's own layout.

    With squares=True a trace keeps scores and patterns, which grow with the square of the text.
    """

    def __init__(self, shape: dict[str, int], squares: bool):
        self.shape, self.squares = shape, squares
        C, V, layers = shape["n_embd"], shape["vocab_size"], range(shape["n_layer"])
        self.H, self.d = shape["n_head"], C // shape["n_head"]
        self.wte, self.wpe = random(V, C), random(shape["block_size"], C)
        weights = {"head": (self.wte, None)}
        for i in layers:
            weights[f"{i}.qkv"] = random(3 * C, C), random(3 * C)
            weights[f"{i}.proj"] = random(C, C), random(C)
            weights[f"{i}.fc"] = random(4 * C, C), random(4 * C)
            weights[f"{i}.mlp"] = random(C, 4 * C), random(C)
        self.packed = {
            name: (torch.ops.mkldnn._reorder_linear_weight(weight), bias)
            for name, (weight, bias) in weights.items()
        }
        self.gain, self.shift = torch.ones(C), torch.zeros(C)
        self.cache = torch.zeros(len(layers), 2, 1, self.H, shape["block_size"], self.d)

    def product(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.packed[name]
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

    def norm(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.gain, self.shift)

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        B, T, _ = x.shape
        q, k, v = x.view(B, T, 3, self.H, self.d).permute(2, 0, 3, 1, 4)
        return q, k, v

    def trace(self, ids: Tensor) -> dict[str, Tensor]:
        T = ids.size(1)
        kept = {"wte": F.embedding(ids, self.wte), "wpe": self.wpe[:T]}
        x = kept["embed"] = kept["wte"] + kept["wpe"]
        ahead = torch.full((T, T), -math.inf).triu_(1)
        for i in range(self.shape["n_layer"]):
            normed = kept[f"{i}.ln_1"] = self.norm(x)
            q, k, v = self.qkv(self.product(normed, f"{i}.qkv"))
            kept |= {f"{i}.q": q, f"{i}.k": k, f"{i}.v": v}
            if self.squares:
                scores = q @ k.transpose(-2, -1) / math.sqrt(self.d) + ahead
                pattern = scores.softmax(-1)
                kept |= {f"{i}.scores": scores, f"{i}.pattern": pattern}
                z = pattern @ v
            else:
                z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            attn = self.product(z.transpose(1, 2).flatten(2), f"{i}.proj")
            x = x + attn
            kept |= {f"{i}.z": z, f"{i}.attn": attn, f"{i}.resid_mid": x}
            normed = kept[f"{i}.ln_2"] = self.norm(x)
            pre = self.product(normed, f"{i}.fc")
            act = F.gelu(pre, approximate="tanh")
            mlp = self.product(act, f"{i}.mlp")
            x = x + mlp
            kept |= {f"{i}.pre": pre, f"{i}.act": act, f"{i}.mlp": mlp, f"{i}": x}
        kept["ln_f"] = self.norm(x)
        kept["logits"] = self.product(kept["ln_f"], "head")
        return kept

    def next_logits(self, ids: Tensor, start: int) -> Tensor:
        end = start + ids.size(1)
        x = self.wte[ids] + self.wpe[start:end]
        for i in range(self.shape["n_layer"]):
            q, k, v = self.qkv(self.product(self.norm(x), f"{i}.qkv"))
            keys, values = self.cache[i]
            keys[:, :, start:end], values[:, :, start:end] = k, v
            reading = start == 0
            z = F.scaled_dot_product_attention(
                q, keys[:, :, :end], values[:, :, :end], is_causal=reading
            )
            x = x + self.product(z.transpose(1, 2).flatten(2), f"{i}.proj")
            hidden = F.gelu(self.product(self.norm(x), f"{i}.fc"), approximate="tanh")
            x = x + self.product(hidden, f"{i}.mlp")
        return self.product(self.norm(x[:, -1:]), "head")[0, 0]

    def generate(self, ids: Tensor, n: int, temperature: float, top_k: int) -> Tensor:
        written, new, start = [ids], ids, 0
        for _ in range(n):
            likely, places = (self.next_logits(new, start) / temperature).topk(top_k)
            start += new.size(1)
            new = places[torch.multinomial(likely.softmax(-1), 1)].view(1, 1)
            written.append(new)
        return torch.cat(written, 1)


class ChunkedCrossEntropy(torch.autograd.Function):
    """Loss and gradients of a few hundred tokens at a time: no tensor of tokens × vocabulary."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        kind = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
        N, narrow, loss = len(targets), weight.to(kind), torch.zeros(())
        d_hidden, d_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        for start in range(0, N, 512):
            h, y = hidden[start : start + 512].to(kind), targets[start : start + 512, None]
            grad = F.log_softmax((h @ narrow.t()).float(), -1)
            loss -= grad.gather(1, y).sum()
            grad = grad.exp_().scatter_add_(1, y, torch.full(y.shape, -1.0)).div_(N).to(kind)
            d_hidden[start : start + 512] = grad @ narrow
            d_weight += grad.t() @ h
        ctx.save_for_backward(d_hidden, d_weight)
        return loss / N

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor, Tensor, None]:
        d_hidden, d_weight = ctx.saved_tensors
        return d_hidden * d_loss, d_weight * d_loss, None


class TrainingBlock(nn.Module):
    def __init__(self, C: int, H: int):
        super().__init__()
        self.H = H
        self.ln_1, self.ln_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.fc, self.mlp = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(B, T, 3, self.H, C // self.H).permute(2, 0, 3, 1, 4)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(z.transpose(1, 2).flatten(2))
        return x + self.mlp(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class Training(nn.Module):
    """The loss of a batch, its output layer in chunks."""

    def __init__(self, shape: dict[str, int]):
        super().__init__()
        C = shape["n_embd"]
        self.wte, self.wpe = (
            nn.Embedding(shape["vocab_size"], C),
            nn.Embedding(shape["block_size"], C),
        )
        self.h = nn.Sequential(
            *(TrainingBlock(C, shape["n_head"]) for _ in range(shape["n_layer"]))
        )
        self.ln_f = nn.LayerNorm(C)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        x = self.h(self.wte(inputs) + self.wpe.weight[: inputs.size(1)])
        hidden = self.ln_f(x).flatten(0, 1).float()
        return ChunkedCrossEntropy.apply(hidden, self.wte.weight, targets.flatten())


def random(*size: int) -> Tensor:
    return torch.randn(*size) * 0.02
