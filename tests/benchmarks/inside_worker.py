"""One contestant of inside.py in a process of its own: orders come in as lines of JSON.

Runs in any environment that has one of the contestants, and PyTorch and transformers with it.
"""

import ctypes
import gc
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

if sys.argv[1] == "gptviz":  # whoever imports it first also gets its setting of PyTorch's memory
    import gptviz

import torch
from orders import answer
from torch import Tensor

ANSWERS = 11, 12  # two tokens whose logits are compared


class Gptviz:
    """What the pages call."""

    def __init__(self, folder: str):
        self.lm = gptviz.load(folder)
        self.measure = gptviz.patching.logit_difference(*ANSWERS)

    def lens(self, ids: list[int], _: list[int]) -> Tensor:
        trace = self.lm.trace(ids, gptviz.residual.stream_names(self.lm))
        return gptviz.residual.logit_lens(self.lm, trace)

    def attribution(self, ids: list[int], _: list[int]) -> Tensor:
        names = ["wte", "wpe", "embed", "h.*", "h.*.attn.z", "h.*.mlp"]
        trace = self.lm.trace(ids, names)
        found = gptviz.residual.attribution(self.lm, trace, len(ids) - 1, *ANSWERS)
        return torch.tensor([float(found.sum())])

    def knock_out(self, ids: list[int], _: list[int]) -> Tensor:
        return gptviz.what_if.knock_out(self.lm, ids, self.measure)

    def patching(self, ids: list[int], corrupted: list[int]) -> Tensor:
        return gptviz.patching.patch(self.lm, ids, corrupted, "h.*", self.measure)


class TransformerLens:
    """TransformerLens as its demos do it: a run with hooks for each head, layer and position."""

    def __init__(self, folder: str):
        from transformers import GPT2LMHeadModel

        theirs = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
        self.model = self.bridge(folder, theirs) if sys.argv[1] == "bridge" else self.hooked(theirs)
        config = self.model.cfg
        self.n_layers, self.n_heads = config.n_layers, config.n_heads
        self.filter = [f"blocks.{i}.hook_resid_pre" for i in range(self.n_layers)]
        self.filter.append(f"blocks.{self.n_layers - 1}.hook_resid_post")

    def bridge(self, folder: str, theirs: Any) -> Any:
        from transformer_lens.model_bridge import TransformerBridge
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        return TransformerBridge.boot_transformers(
            "gpt2", hf_model=theirs, tokenizer=tokenizer, device="cpu"
        )

    def hooked(self, theirs: Any) -> Any:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
        from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights

        shape = theirs.config
        config = HookedTransformerConfig(
            n_layers=shape.n_layer,
            n_heads=shape.n_head,
            d_model=shape.n_embd,
            d_head=shape.n_embd // shape.n_head,
            n_ctx=shape.n_positions,
            d_vocab=shape.vocab_size,
            d_mlp=4 * shape.n_embd,
            act_fn="gelu_new",
            eps=shape.layer_norm_epsilon,
            normalization_type="LN",
            device="cpu",
        )
        model = HookedTransformer(config)
        weights = convert_gpt2_weights(theirs, config)
        model.load_and_process_state_dict(
            weights, fold_ln=False, center_writing_weights=False, center_unembed=False
        )
        return model.eval().requires_grad_(False)

    def difference(self, logits: Tensor) -> Tensor:
        return logits[0, -1, ANSWERS[0]] - logits[0, -1, ANSWERS[1]]

    def lens(self, ids: list[int], _: list[int]) -> Tensor:
        _, cache = self.model.run_with_cache(
            torch.tensor([ids]), names_filter=self.filter, return_type=None
        )
        stream = torch.stack([cache[name][0] for name in self.filter])
        return (self.model.ln_final(stream) @ self.model.W_U + self.model.b_U).log_softmax(-1)

    def attribution(self, ids: list[int], _: list[int]) -> Tensor:
        _, cache = self.model.run_with_cache(torch.tensor([ids]))
        parts = cache.get_full_resid_decomposition(
            layer=-1, expand_neurons=False, apply_ln=True, pos_slice=-1
        )
        direction = self.model.W_U[:, ANSWERS[0]] - self.model.W_U[:, ANSWERS[1]]
        return (parts[:, 0] @ direction).sum(0, keepdim=True)

    def knock_out(self, ids: list[int], _: list[int]) -> Tensor:
        tokens = torch.tensor([ids])
        usual = self.difference(self.model(tokens))
        found = torch.empty(self.n_layers, self.n_heads)

        def silence(z: Tensor, hook: Any, head: int) -> Tensor:  # noqa: ARG001
            z[:, :, head] = 0
            return z

        for i in range(self.n_layers):
            for head in range(self.n_heads):
                hook = (f"blocks.{i}.attn.hook_z", partial(silence, head=head))
                logits = self.model.run_with_hooks(tokens, fwd_hooks=[hook])
                found[i, head] = self.difference(logits) - usual
        return found

    def patching(self, ids: list[int], corrupted: list[int]) -> Tensor:
        from transformer_lens import patching

        clean, other = torch.tensor([ids]), torch.tensor([corrupted])
        logits, cache = self.model.run_with_cache(clean)
        whole = self.difference(logits)
        nothing = self.difference(self.model(other))
        return patching.generic_activation_patch(
            self.model,
            other,
            cache,
            lambda logits: (self.difference(logits) - nothing) / (whole - nothing),
            patching.layer_pos_patch_setter,
            "resid_post",
            ["layer", "pos"],
        )


class Work:
    """Builds a contestant and lets it work."""

    def build(self, folder: str) -> dict[str, Any]:
        self.contestant = Gptviz(folder) if sys.argv[1] == "gptviz" else TransformerLens(folder)
        return {}

    def once(self, task: str, tokens: int, seed: int) -> Tensor:
        draw = torch.Generator().manual_seed(seed)
        clean, corrupted = torch.randint(50257, (2, tokens), generator=draw).tolist()
        return getattr(self.contestant, task)(clean, corrupted)

    def work(self, **cell: Any) -> dict[str, Any]:
        gc.collect()
        with torch.inference_mode():
            clocks = time.perf_counter, time.process_time
            began = [clock() for clock in clocks]
            found = self.once(**cell)
            took = [clock() - start for clock, start in zip(clocks, began, strict=True)]
        flat = found.flatten()
        return {"took": took, "found": flat[:: max(1, len(flat) // 50)].tolist()}

    def memory(self, **cell: Any) -> dict[str, Any]:
        """The peak above what the process holds at rest, in bytes."""
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # sets the highest size back to today's
        before = resident("VmRSS")
        with torch.inference_mode():
            self.once(**cell)
        return {"peak": resident("VmHWM") - before}


def resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


if __name__ == "__main__":
    answer(Work())
