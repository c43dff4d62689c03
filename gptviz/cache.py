"""What a layer has read so far, so that a text that grows is not read again and again."""

from torch import Tensor

from gptviz.config import GPTConfig


class LayerCache:
    """One layer's keys and values of the positions read so far, in memory allocated once."""

    def __init__(self, config: GPTConfig, batch_size: int, size: int, like: Tensor):
        n_head = config.n_head if config.has_attention else 0  # without heads nothing is kept
        shape = (batch_size, n_head, size, config.n_embd // config.n_head)
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


class Cache(list[LayerCache]):
    """An entry a layer, and how many positions were read: a model may have no layers, or no keys.

    size is for how many there is room (None: the context), like a tensor of the same type in the
    same memory.
    """

    def __init__(self, config: GPTConfig, batch_size: int, size: int | None, like: Tensor):
        size = config.block_size if size is None else size
        super().__init__(LayerCache(config, batch_size, size, like) for _ in range(config.n_layer))
        self.length = 0
