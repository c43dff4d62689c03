"""Who is compared in peers.py: each builds a GPT-2 of one shape with random weights, and works.

trace(ids)         everything that is captured, in any nest of tensors; ids (1, T)
generate(ids, n)   ids (1, P + n), drawn at temperature 0.8 and top_k 40, no early end
train_step(x, y)   the loss of one step: forward, backward, AdamW; no dropout; x, y (B, T)
"""

import contextlib
import io
import os
import sys
import tempfile
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE, TOP_K = 0.8, 40
LEARNING_RATE, BETAS, WEIGHT_DECAY = 1e-3, (0.9, 0.95), 0.1
SHAPES = {
    "gpt2": {"n_layer": 12, "n_head": 12, "n_embd": 768, "block_size": 1024, "vocab_size": 50257},
    "small": {"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256, "vocab_size": 50257},
    "small2k": {"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256, "vocab_size": 2048},
    "char": {"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 256, "vocab_size": 65},
}


class Contestant:
    """What all share: options after a + sign, and a training step."""

    def __init__(self, shape: dict[str, int], task: str, options: set[str]):
        self.shape, self.options = shape, options
        self.build(task)

    def build(self, task: str) -> None:
        raise NotImplementedError

    def adamw(self, parameters: Any, **options: bool) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            parameters, lr=LEARNING_RATE, betas=BETAS, weight_decay=WEIGHT_DECAY, **options
        )

    def correct(self, loss: Tensor) -> float:
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class HuggingFace(Contestant):
    """transformers' GPT2LMHeadModel, keeping attentions and hidden states; +plain keeps nothing."""

    def build(self, task: str) -> None:
        from transformers import GPT2Config, GPT2LMHeadModel

        shape = dict(self.shape, n_positions=self.shape["block_size"])
        del shape["block_size"]
        config = GPT2Config(
            **shape, bos_token_id=None, eos_token_id=None, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0
        )
        keeps = task == "trace" and "plain" not in self.options
        config._attn_implementation = "eager" if keeps else "sdpa"
        self.model = GPT2LMHeadModel(config)
        if task == "train":
            self.optimizer = self.adamw(self.model.train().parameters())
        else:
            self.model.eval().requires_grad_(False)

    def trace(self, ids: Tensor) -> Any:
        keep = "plain" not in self.options
        return self.model(ids, output_attentions=keep, output_hidden_states=keep, use_cache=False)

    def generate(self, ids: Tensor, n: int) -> Tensor:
        return self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=TOP_K,
            pad_token_id=0,
        )

    def train_step(self, x: Tensor, y: Tensor) -> float:
        logits = self.model(x, use_cache=False).logits
        return self.correct(F.cross_entropy(logits.flatten(0, 1), y.flatten()))


class NanoGPT(Contestant):
    """karpathy/nanoGPT, its model.py in the folder that $NANOGPT names; a trace keeps nothing."""

    def build(self, task: str) -> None:
        sys.path.insert(0, os.environ["NANOGPT"])
        import model as nanogpt

        with contextlib.redirect_stdout(io.StringIO()):
            self.model = nanogpt.GPT(nanogpt.GPTConfig(**self.shape, dropout=0.0, bias=True))
            if task == "train":
                self.optimizer = self.model.configure_optimizers(
                    WEIGHT_DECAY, LEARNING_RATE, BETAS, "cpu"
                )
            else:
                self.model.eval().requires_grad_(False)

    def trace(self, ids: Tensor) -> Any:
        return self.model(ids, targets=ids)[0]  # with targets it computes all positions

    def generate(self, ids: Tensor, n: int) -> Tensor:
        return self.model.generate(ids, n, temperature=TEMPERATURE, top_k=TOP_K)

    def train_step(self, x: Tensor, y: Tensor) -> float:
        return self.correct(self.model(x, y)[1])


class TransformerLens(Contestant):
    """TransformerLens 4's bridge around Hugging Face's model: traces only."""

    def build(self, task: str) -> None:
        from tokenizers import Tokenizer, models
        from transformer_lens.model_bridge import TransformerBridge
        from transformers import PreTrainedTokenizerFast

        words = models.WordLevel({"<|endoftext|>": 0, "a": 1}, unk_token="a")
        special = dict.fromkeys(("eos_token", "bos_token", "pad_token"), "<|endoftext|>")
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), **special)
        folder = tempfile.mkdtemp()
        tokenizer.save_pretrained(folder)  # it reads the tokenizer again from where it says it is
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        tokenizer.init_kwargs["name_or_path"] = folder
        theirs = HuggingFace(self.shape, task, set()).model
        self.model = TransformerBridge.boot_transformers(
            "gpt2", hf_model=theirs, tokenizer=tokenizer, device="cpu"
        )

    def trace(self, ids: Tensor) -> Any:
        logits, cache = self.model.run_with_cache(ids)
        return logits, dict(cache.items())


class Bound(Contestant):
    """A GPT-2 by hand; +squares keeps scores and patterns."""

    def build(self, task: str) -> None:
        import bound

        if task == "train":
            self.model = bound.Training(self.shape)
            self.optimizer = self.adamw(self.model.parameters(), fused=True)
            self.narrow = self.shape["n_embd"] > 128
        else:
            self.inference = bound.Inference(self.shape, "squares" in self.options)

    def trace(self, ids: Tensor) -> Any:
        return self.inference.trace(ids)

    def generate(self, ids: Tensor, n: int) -> Tensor:
        return self.inference.generate(ids, n, TEMPERATURE, TOP_K)

    def train_step(self, x: Tensor, y: Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.narrow):
            return self.correct(self.model(x, y))


class Gptviz(Contestant):
    """gptviz as the pages and the command use it."""

    def build(self, task: str) -> None:
        from gptviz import GPT, GPTConfig, LanguageModel
        from gptviz.tokenizers import CharacterTokenizer

        dropout = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), 0.0)
        if task == "train":
            self.build_trainer(GPTConfig(**self.shape, **dropout))
        else:
            tokenizer = CharacterTokenizer(map(chr, range(0x4E00, 0x4E00 + 20_000)))
            self.lm = LanguageModel(GPT(GPTConfig(**self.shape)), tokenizer, "random", "random")

    def build_trainer(self, model: Any) -> None:
        from gptviz.training.batches import Batch
        from gptviz.training.config import TrainingConfig
        from gptviz.training.devices import choose_dtype
        from gptviz.training.learner import Learner
        from gptviz.training.process_group import ALONE

        config = TrainingConfig(model=model, data="", learning_rate=LEARNING_RATE)
        device, self.batch = torch.device("cpu"), Batch
        self.learner = Learner(config, device, choose_dtype("auto", device, config), ALONE)
        self.tuned = False

    def trace(self, ids: Tensor) -> Any:
        return self.lm.trace(ids[0].tolist()).activations

    def generate(self, ids: Tensor, n: int) -> Tensor:
        prompt = ids[0].tolist()
        steps = self.lm.generate(prompt, n, temperature=TEMPERATURE, top_k=TOP_K, seed=0)
        return torch.tensor([prompt + [step.id for step in steps]])

    def train_step(self, x: Tensor, y: Tensor) -> float:
        from gptviz.training.tuning import tune

        if not self.tuned:  # as a run does before its first step
            tune(self.learner, self.batch(x, y))
            self.tuned = True
        loss = self.learner.gradient([self.batch(x, y)], seed=0)
        self.learner.update(LEARNING_RATE)
        return loss


CONTESTANTS = {
    "hf": HuggingFace,
    "nanogpt": NanoGPT,
    "transformer-lens": TransformerLens,
    "bound": Bound,
    "gptviz": Gptviz,
}
