"""What a layer has read so far, so that a text that grows is not read again and again."""

from torch import Tensor

from gptviz.config import GPTConfig


class LayerCache:
    """One layer's keys and values of the positions read so far, in memory allocated once."""

    def __init__(self, config: GPTConfig, batch_size: int, size: int, like: Tensor):
        d = config.n_embd // config.n_head
        shape = (batch_size, config.n_head, size, d)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)
        self.length = 0

    def select(self, rows: Tensor) -> None:
        """Go on with these rows of the batch, in this order; a row may be taken several times."""
        self.keys, self.values = self.keys[rows], self.values[rows]

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of T new positions; return those of all S positions.

        Raises ValueError if there is no room for them.
        """
        start, end = self.length, self.length + k.size(-2)
        if end > self.keys.size(-2):
            raise ValueError(
                f"{end} positions do not fit this cache of {self.keys.size(-2)}; make a larger one"
            )
        self.length = end
        self.keys[:, :, start : self.length] = k
        self.values[:, :, start : self.length] = v
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]  # (B, H, S, d)
