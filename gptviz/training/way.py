"""One of several ways to compute the same training step, which differ in time and rounding."""

from dataclasses import dataclass
from typing import Any, Self, cast, get_args

import torch

from gptviz.model import Attention


@dataclass(frozen=True)
class Way:
    """How a step computes what it computes."""

    dtype: torch.dtype  # of the large products
    attention: Attention
    chunk: int | None  # tokens whose softmax is computed at once; None: as is usual

    def __str__(self) -> str:
        chunk = f", the loss of {self.chunk} tokens at once" if self.chunk else ""
        return f"{self._dtype} with {self.attention} attention{chunk}"

    @property
    def _dtype(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"dtype": self._dtype, "attention": self.attention, "chunk": self.chunk}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self | None:
        """What to_dict gave, or None if it is something else."""
        dtype, attention, chunk = (values.get(name) for name in ("dtype", "attention", "chunk"))
        known = dtype in ("float32", "bfloat16", "float16") and attention in get_args(Attention)
        if not known or not (chunk is None or (isinstance(chunk, int) and chunk > 0)):
            return None
        return cls(getattr(torch, str(dtype)), cast(Attention, attention), chunk)
