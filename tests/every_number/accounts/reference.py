"""A text in a GPT-2 of transformers, and the arithmetic of numpy; nothing here is of gptviz."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import GPT2LMHeadModel

LETTERS = " .!,abcdefghijklmnopqrstuvwxyzK"  # 31, no digit among them
TEXT = "a sea. a se"
SHAPE = {"vocab_size": 31, "n_positions": 19, "n_layer": 3, "n_head": 3, "n_embd": 15}
COUNTS = np.arange(31) * 7  # how often the training text holds each letter: three hardly ever


class Reference:
    """A text in a model of transformers, in double precision."""

    def __init__(self, theirs: GPT2LMHeadModel, ids: Sequence[int], tokens: Sequence[str]):
        self.theirs, self.ids, self.tokens = theirs, list(ids), list(tokens)
        config = theirs.config
        self.T, self.V, self.C = len(self.ids), config.vocab_size, config.n_embd
        self.L, self.H, self.context = config.n_layer, config.n_head, config.n_positions
        self.d = self.C // self.H

    @cached_property
    def x(self) -> dict[str, np.ndarray]:
        """Every activation by its name."""
        return self.run()

    @torch.no_grad()
    def run(
        self,
        changes: Mapping[nn.Module, Callable] | None = None,
        given: Mapping[nn.Module, Callable] | None = None,
    ) -> dict[str, np.ndarray]:
        """The activations of a run; changes say what modules give, or are given, in its place."""
        body, found = self.theirs.transformer, {}
        places = {"wte": body.wte, "wpe": body.wpe, "embed": body.drop, "ln_f": body.ln_f}
        inputs = {}
        for i, block in enumerate(body.h):
            at = f"h.{i}"
            places |= {at: block, f"{at}.ln_1": block.ln_1, f"{at}.ln_2": block.ln_2}
            places |= {f"{at}.attn": block.attn.c_proj, f"{at}.qkv": block.attn.c_attn}
            places |= {f"{at}.mlp.pre": block.mlp.c_fc, f"{at}.mlp.act": block.mlp.act}
            places |= {f"{at}.mlp": block.mlp}
            inputs |= {f"{at}.attn.z": block.attn.c_proj, f"{at}.resid_mid": block.ln_2}

        def change(module: nn.Module, _: object, out: Any) -> Any:
            own = (changes or {})[module](out[0] if isinstance(out, tuple) else out)
            return (own, *out[1:]) if isinstance(out, tuple) else own

        def change_input(module: nn.Module, own: tuple) -> tuple:
            return ((given or {})[module](own[0]), *own[1:])

        def keep(name: str) -> Callable[..., None]:
            def of_output(_m: object, _i: object, out: Any) -> None:
                found[name] = (out[0] if isinstance(out, tuple) else out).detach().squeeze(0)

            return of_output

        def keep_input(name: str) -> Callable[..., None]:
            def of_input(_m: object, own: tuple) -> None:
                found[name] = own[0].detach().squeeze(0)

            return of_input

        hooks = [module.register_forward_hook(change) for module in changes or {}]
        hooks += [module.register_forward_pre_hook(change_input) for module in given or {}]
        hooks += [place.register_forward_hook(keep(name)) for name, place in places.items()]
        hooks += [p.register_forward_pre_hook(keep_input(name)) for name, p in inputs.items()]
        out = self.theirs(torch.tensor([self.ids]), output_attentions=True)
        for hook in hooks:
            hook.remove()
        found = {name: value.numpy() for name, value in found.items()}
        found["logits"] = out.logits[0].numpy()
        for i, pattern in enumerate(out.attentions):
            at, rows = f"h.{i}.attn", found.pop(f"h.{i}.qkv")
            for name, part in zip("qkv", np.split(rows, 3, axis=-1), strict=True):
                found[f"{at}.{name}"] = self.heads(part)
            found[f"{at}.z"] = self.heads(found[f"{at}.z"])
            found[f"{at}.pattern"] = pattern[0].numpy()
        return found

    def heads(self, rows: np.ndarray) -> np.ndarray:
        """(T, C) as a matrix for each head, (H, T, d)."""
        return rows.reshape(-1, self.H, self.d).transpose(1, 0, 2)

    def weight(self, name: str) -> np.ndarray:
        """A parameter of the transformer's body."""
        return self.theirs.transformer.get_parameter(name).detach().numpy()

    @property
    def patterns(self) -> np.ndarray:
        """All attention patterns, (L, H, T, T)."""
        return np.stack([self.x[f"h.{i}.attn.pattern"] for i in range(self.L)])

    def without_head(self, layer: int, head: int) -> dict[str, np.ndarray]:
        """A run in which a head hands on nothing."""

        def silence(z: torch.Tensor) -> torch.Tensor:
            z = z.clone()
            z[..., head * self.d : (head + 1) * self.d] = 0
            return z

        return self.run(given={self.theirs.transformer.h[layer].attn.c_proj: silence})

    def loss(self, run: Mapping[str, np.ndarray]) -> float:
        """The mean of −ln p of the text's tokens but the first."""
        return -log_softmax(run["logits"])[range(self.T - 1), self.ids[1:]].mean()

    @cached_property
    def lens(self) -> np.ndarray:
        """Log-probabilities (L + 1, T, V) if the model stopped at each stage of the stream."""
        x = np.stack([self.x[stage] for stage in self.stages])
        centred = x - x.mean(-1, keepdims=True)
        normed = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        normed = normed * self.weight("ln_f.weight") + self.weight("ln_f.bias")
        return log_softmax(normed @ self.weight("wte.weight").T)

    @property
    def log_p(self) -> np.ndarray:
        """Log-probabilities of all next tokens, (T, V)."""
        return log_softmax(self.x["logits"])

    @property
    def stages(self) -> list[str]:
        """Where the residual stream can be read."""
        return ["embed", *(f"h.{i}" for i in range(self.L))]

    def around(self, position: int) -> tuple[list[tuple], dict[str, Any]]:
        """What every page tells of the model, and the path of the text seen from a token."""
        numbers = sum(parameter.numel() for parameter in self.theirs.parameters())
        shape = (self.L, self.H, self.C, self.context, self.V)
        said = [("{} parameters", numbers, *shape)]
        return said, self.path("path_small", position)

    def path(self, place: str, position: int) -> dict[str, Any]:
        """The picture of the path as seen from a token."""
        x, layers, T, C = self.x, range(self.L), self.T, self.C
        stream = np.stack([norm(x[stage]) for stage in self.stages])
        shapes = [(T,), (T, C), (self.H, T, T), (T, 4 * C), (T, C), (T, self.V), (1,)]
        found = {
            "stages.shape": shapes,
            "alt": [(T, self.L)],
            "positions": range(T),
            "count": T,
            "chosen": position,
            "stream": stream,
            "middle": [norm(x[f"h.{i}.resid_mid"]) for i in layers],
            "largest": stream.max(),
            "attn": [norm(x[f"h.{i}.attn"][position]) for i in layers],
            "mlp": [norm(x[f"h.{i}.mlp"][position]) for i in layers],
            "pattern": self.patterns.mean(1)[:, position],
        }
        return {f"{place}.{name}": value for name, value in found.items()}

    @property
    def named(self) -> list[str]:
        """The tokens as an axis names them."""
        return [f"{i} {piece}" for i, piece in enumerate(self.tokens)]


def of_letters(theirs: GPT2LMHeadModel, text: str) -> Reference:
    """A text in the model whose tokens are letters."""
    return Reference(theirs, [LETTERS.index(c) for c in text], [c.replace(" ", "·") for c in text])


def norm(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
