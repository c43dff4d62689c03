"""Token after token over a key/value cache."""

import codecs
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gptviz.batch import BatchReader
from gptviz.model import GPT
from gptviz.sampling import SamplingSettings, draw, stages
from gptviz.tokenizers import Tokenizer


@dataclass(frozen=True, eq=False)
class Step:
    """One generated token."""

    id: int
    token: str  # its visible piece
    text: str  # what it adds to the text: whole characters only, which may have begun before it
    probability: float  # under the distribution that it was drawn from
    probabilities: Tensor = field(repr=False)  # that whole distribution, (V,)
    logits: Tensor = field(repr=False)  # the model's own, before any setting changes them, (V,)


def generate(
    model: GPT,
    tokenizer: Tokenizer,
    ids: list[int],
    max_new_tokens: int,
    settings: SamplingSettings,
    seed: int | None,
    stop: Iterable[str],
    ends: Collection[int],
    use_cache: bool = True,
) -> Iterator[Step]:
    """The steps of LanguageModel.generate, which explains them."""
    generator = torch.Generator(model.wte.weight.device)
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    reader = Reader(model, len(ids) + max_new_tokens) if use_cache else Rereader(model)
    stop = tuple(stop)
    text, writer = list(ids), Writer(tokenizer, ids)
    for left in reversed(range(max_new_tokens)):
        chosen, probability, probabilities, logits = _next(reader, text, settings, generator)
        text.append(chosen)
        done = not left or chosen in ends or _has_stop(tokenizer, text, len(ids), stop)
        piece = tokenizer.pieces([chosen])[0]
        new = writer.write(chosen, final=done)
        yield Step(chosen, piece, new, probability, probabilities, logits)
        if done:
            return


class Writer:
    """The text of ids that come one after another, as far as its characters are whole.

    A character may take several tokens: its bytes wait for the last of them. What follows the ids
    of a prompt begins where its text ends. An event, such as the end of a text, and an id that the
    tokenizer does not know write nothing.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Iterable[int] = ()):
        self.tokenizer = tokenizer
        self._events = tokenizer.special_tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in prompt:
            self.write(token)

    def write(self, token: int, final: bool = False) -> str:
        """What one more id adds; with final, also what waits, as � where it is no character."""
        return self._decoder.decode(self._bytes(token), final)

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for, whole characters or not."""
        return b"".join(map(self._bytes, ids))

    def _bytes(self, token: int) -> bytes:
        if token in self._events:
            return b""
        try:
            return self.tokenizer.token_bytes(token)
        except ValueError:  # a model may have room for more tokens than its tokenizer knows
            return b""


@torch.inference_mode()
def next_logits(model: GPT, ids: list[int]) -> Tensor:
    """The logits (V,) from which `generate` takes its first token after these ids."""
    return Reader(model, len(ids)).next_logits(ids)


class Reader:
    """Reads one growing text, each token once, as `BatchReader` reads several."""

    def __init__(self, model: GPT, longest: int):
        self._texts = BatchReader(model, longest)

    def next_logits(self, ids: list[int]) -> Tensor:
        """Logits (V,) of the token after ids, of which a part may have been read before."""
        return self._texts.next_logits([ids])[0]


class Rereader:
    """As Reader, without a cache: all that the model sees is read again for each token."""

    def __init__(self, model: GPT):
        self.model = model
        self.begin: int | None = None  # where the part that it sees begins

    def next_logits(self, ids: list[int]) -> Tensor:
        """Logits (V,) of the token after ids."""
        size = self.model.config.block_size
        if self.begin is None or len(ids) - self.begin > size:
            keep = size if self.begin is None else max(1, size // 2)
            self.begin = max(0, len(ids) - keep)
        seen = torch.tensor([ids[self.begin :]], device=self.model.wte.weight.device)
        return self.model.unembed(self.model.hidden(seen)[:, -1:])[0, -1]


@torch.inference_mode()
def _next(
    reader: Reader | Rereader,
    ids: list[int],
    settings: SamplingSettings,
    generator: torch.Generator,
) -> tuple[int, float, Tensor, Tensor]:
    logits = reader.next_logits(ids)
    probabilities = stages(logits, ids, settings)[-1].probabilities
    chosen = draw(probabilities, generator)
    return chosen, float(probabilities[chosen]), probabilities, logits


def _has_stop(tokenizer: Tokenizer, text: list[int], start: int, stop: tuple[str, ...]) -> bool:
    """Whether a stop sequence has just been completed in what was written since start."""
    if not stop:
        return False
    # A stop sequence may begin some tokens back, but never more of them than it has bytes.
    longest = max(len(sequence.encode()) for sequence in stop)
    tail = text[max(start, len(text) - longest - 1) :]
    writer = Writer(tokenizer)
    written = "".join(map(writer.write, tail))
    return any(sequence in written for sequence in stop)
