"""Several texts of equal length, read side by side: one run of the model for all of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gptviz.cache import Cache
from gptviz.model import GPT


class BatchReader:
    """Reads B texts that grow together, each token once, until the context is full.

    Positions count from the start of the context, so a full context cannot simply slide: the
    older half is dropped and the newer half read again, once every half context. longest is the
    length that each text may reach.
    """

    def __init__(self, model: GPT, longest: int):
        self.model, self.longest = model, longest
        self.cache: Cache | None = None
        self.read = 0  # how many ids of each text were read, those dropped since included

    @torch.inference_mode()
    def next_logits(
        self, texts: Sequence[Sequence[int]], parents: Sequence[int] | None = None
    ) -> Tensor:
        """Logits (B, V) of the token after each text.

        parents says which text of the call before each of them goes on with; None: its own.
        """
        size, device = self.model.config.block_size, self.model.wte.weight.device
        length = len(texts[0])
        if self.cache is None or self.cache.length + length - self.read > size:
            keep = size if self.cache is None else max(1, size // 2)
            self.cache = self.model.new_cache(len(texts), min(size, self.longest))
            self.read = max(0, length - keep)
        elif parents is not None:
            rows = torch.tensor(parents, device=device)
            for layer in self.cache:
                layer.select(rows)
        new = torch.tensor([list(text[self.read :]) for text in texts], device=device)
        self.read = length
        return self.model.unembed(self.model.hidden(new, self.cache)[:, -1:])[:, -1]
