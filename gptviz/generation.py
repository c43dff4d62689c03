"""Token after token over a key/value cache."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gptviz.cache import LayerCache
from gptviz.model import GPT
from gptviz.sampling import SamplingSettings, draw, stages
from gptviz.tokenizers import Tokenizer


@dataclass(frozen=True, eq=False)
class Step:
    """One generated token."""

    id: int
    token: str  # its visible piece
    probability: float  # under the distribution that it was drawn from
    probabilities: Tensor = field(repr=False)  # that whole distribution, (V,)
    logits: Tensor = field(repr=False)  # what the model said, before any setting changed it, (V,)


def generate(
    model: GPT,
    tokenizer: Tokenizer,
    ids: list[int],
    max_new_tokens: int,
    settings: SamplingSettings,
    seed: int | None,
    stop: Iterable[str],
) -> Iterator[Step]:
    """The steps of LanguageModel.generate, which explains them."""
    generator = torch.Generator(model.wte.weight.device)
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    reader = _Reader(model, len(ids) + max_new_tokens)
    stop = tuple(stop)
    text = list(ids)
    for _ in range(max_new_tokens):
        step = _next(reader, tokenizer, text, settings, generator)
        text.append(step.id)
        yield step
        if step.id == tokenizer.end_of_text or _has_stop(tokenizer, text, len(ids), stop):
            return


@torch.inference_mode()
def next_logits(model: GPT, ids: list[int]) -> Tensor:
    """The logits (V,) from which `generate` takes its first token after these ids."""
    return _Reader(model, len(ids)).next_logits(ids)


class _Reader:
    """Reads a growing text, each token once, until the context is full.

    Positions count from the start of what is read, so a full context cannot simply move on:
    the older half is forgotten and the newer half read again, once every half context. longest
    is the length that the text may reach.
    """

    def __init__(self, model: GPT, longest: int):
        self.model, self.longest = model, longest
        self.cache: list[LayerCache] = []
        self.read = 0  # how many ids of the whole text have been read or forgotten

    def next_logits(self, ids: list[int]) -> Tensor:
        """Logits (V,) of the token after ids, of which a part may have been read before."""
        size = self.model.config.block_size
        if not self.cache or self.cache[0].length + len(ids) - self.read > size:
            keep = size if not self.cache else max(1, size // 2)
            self.cache = self.model.new_cache(size=min(size, self.longest))
            self.read = max(0, len(ids) - keep)
        new = torch.tensor([ids[self.read :]], device=self.model.wte.weight.device)
        self.read = len(ids)
        return self.model.unembed(self.model.hidden(new, self.cache)[0, -1])


@torch.inference_mode()
def _next(
    reader: _Reader,
    tokenizer: Tokenizer,
    ids: list[int],
    settings: SamplingSettings,
    generator: torch.Generator,
) -> Step:
    logits = reader.next_logits(ids)
    probabilities = stages(logits, ids, settings)[-1].probabilities
    chosen = draw(probabilities, generator)
    piece = tokenizer.pieces([chosen])[0]
    return Step(chosen, piece, float(probabilities[chosen]), probabilities, logits)


def _has_stop(tokenizer: Tokenizer, text: list[int], start: int, stop: tuple[str, ...]) -> bool:
    """Whether a stop sequence has just been completed in what was written since start."""
    if not stop:
        return False
    # A stop sequence may begin some tokens back, but never more of them than it has bytes.
    longest = max(len(sequence.encode()) for sequence in stop)
    tail = text[max(start, len(text) - longest - 1) :]
    # A model may have room for more tokens than its tokenizer knows.
    written = tokenizer.decode([token for token in tail if token < tokenizer.vocab_size])
    return any(sequence in written for sequence in stop)
