"""One continuation of a text, token for token as it is asked for."""

from collections.abc import Sequence
from dataclasses import asdict

from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings


class Writer:
    """What `lm.generate` writes after some ids, as far as anyone has asked.

    All who write on from the same ids with the same settings and dice get the same tokens, so one
    writer is enough for them.
    """

    def __init__(
        self,
        lm: LanguageModel,
        ids: Sequence[int],
        length: int,
        settings: SamplingSettings,
        seed: int,
    ):
        self.drawn: list[int] = []
        self._failure: ValueError | None = None
        self._steps = lm.generate(ids, length, **asdict(settings), seed=seed)
        # The keys and values of all layers, in float32.
        self.nbytes = 8 * lm.config.n_layer * lm.config.n_embd * (len(ids) + length)

    def token(self, index: int) -> int | None:
        """The token with this index, or None if the writing ends before it.

        Raises ValueError where the model's numbers become NaN.
        """
        while len(self.drawn) <= index:
            if self._failure:
                raise self._failure
            try:
                step = next(self._steps, None)
            except ValueError as failure:
                self._failure = failure
                raise
            if step is None:
                return None
            self.drawn.append(step.id)
        return self.drawn[index]
