"""A model with its tokenizer: what `gptviz.load` returns and every page looks into."""

import operator
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from gptviz import beam_search, checkpoints, generation, kernels, tracing
from gptviz.activations import Trace
from gptviz.beam_search import BeamSearch
from gptviz.checkpoints import counts
from gptviz.config import GPTConfig
from gptviz.generation import Step
from gptviz.model import GPT
from gptviz.notebook import described
from gptviz.sampling import SamplingSettings
from gptviz.tokenizers import Tokenizer
from gptviz.tracing import Edit


@dataclass(frozen=True, eq=False, repr=False)
class LanguageModel:
    """A GPT that can be traced by many threads at once, and the tokenizer it was trained with."""

    model: GPT
    tokenizer: Tokenizer
    name: str
    digest: str  # stands for the weights in a cache's key
    # How often the text that it was trained on holds each token, (tokenizer.vocab_size,), if known
    token_counts: np.ndarray | None = None
    # The ids after which generation ends; None: the tokenizer's end of a text
    ends: frozenset[int] | None = None
    notes: tuple[str, ...] = ()  # what to know about its files, in sentences

    def __post_init__(self) -> None:
        tracing.install(self.model)
        kernels.speed_up(self.model)
        self.model.eval().requires_grad_(False)  # the modules that were put in, too

    def __repr__(self) -> str:
        return f"LanguageModel {self.name!r}: {', '.join(self._facts)}"

    def _repr_html_(self) -> str:
        return described(f"LanguageModel {self.name!r}", self._facts)

    @property
    def _facts(self) -> list[str]:
        config = self.config
        return [
            config.sizes,
            f"{self.model.n_parameters:,} parameters",
            f"context {config.block_size:,}",
            f"vocabulary {config.vocab_size:,}",
            f"on {self.model.wte.weight.device}",
        ]

    @property
    def config(self) -> GPTConfig:
        """The model's shape."""
        return self.model.config

    @property
    def end_ids(self) -> frozenset[int]:
        """The ids after which generation ends."""
        end = self.tokenizer.end_of_text
        usual: frozenset[int] = frozenset() if end is None else frozenset((end,))
        return usual if self.ends is None else self.ends

    def ids(self, prompt: str | Sequence[int]) -> list[int]:
        """The token ids of a prompt, or ids as given, checked.

        Raises ValueError in words for an empty prompt and an id outside the vocabulary.
        """
        if isinstance(prompt, str):
            ids = self.tokenizer.encode(prompt)
        else:
            ids = [operator.index(token) for token in prompt]
        if not ids:
            raise ValueError("the prompt is empty; give the model at least one token to read")
        wrong = [i for i in ids if not 0 <= i < self.config.vocab_size]
        if wrong:
            known = 0 <= wrong[0] < self.tokenizer.vocab_size
            piece = f" ({self.tokenizer.pieces(wrong[:1])[0]})" if known else ""
            raise ValueError(
                f"token id {wrong[0]}{piece} is not in this model's vocabulary; "
                f"ids run from 0 to {self.config.vocab_size - 1}"
            )
        return ids

    def trace(
        self,
        prompt: str | Sequence[int],
        names: Iterable[str] | None = None,
        edits: Mapping[str, Edit] | None = None,
    ) -> Trace:
        """Run the model on a prompt and keep what happens inside it.

        names records only those activations ("*" stands for every layer); edits maps a name to
        a function that changes the activation on its way. Raises ValueError in words for a
        prompt that is empty, too long or not of this vocabulary, and for an unknown name.
        """
        ids = self.ids(prompt)
        activations = tracing.run(self.model, ids, names, edits)
        pieces = self.tokenizer.pieces(ids)
        return Trace(ids, pieces, activations, self.config, self.tokenizer)

    def next_logits(self, prompt: str | Sequence[int]) -> Tensor:
        """The logits (V,) from which `generate` draws the first token after a prompt."""
        return generation.next_logits(self.model, self.ids(prompt)).cpu()

    def generate(
        self,
        prompt: str | Sequence[int],
        max_new_tokens: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        min_p: float = 0.0,
        typical_p: float = 1.0,
        no_repeat_ngram_size: int = 0,
        seed: int | None = None,
        stop: Iterable[str] = (),
        use_cache: bool = True,
    ) -> Iterator[Step]:
        """Continue a prompt, one step at a time; the same seed gives the same text.

        temperature 0 always takes the likeliest token. Generation ends after max_new_tokens,
        after the token that completes one of the stop sequences, or after a token that ends a
        text for this model. The texts of all steps, joined, are what was written. A prompt longer
        than the context is read from its end; when the context is full, its older half is
        forgotten. Without use_cache, no keys and values are kept and all is read again for each
        token: the same text, only later. Raises ValueError for settings that mean nothing.
        """
        settings = SamplingSettings(
            *(temperature, top_k, top_p, repetition_penalty),
            *(min_p, typical_p, no_repeat_ngram_size),
        )
        if max_new_tokens < 0:
            raise ValueError(f"max_new_tokens is {max_new_tokens}; it cannot be negative")
        if seed is not None and not 0 <= seed < 2**63:
            raise ValueError(f"seed is {seed}; it must lie between 0 and 2**63 - 1")
        if isinstance(stop, str) or not all(stop := tuple(stop)):
            raise ValueError("stop must be a list of texts, none of them empty")
        ids = self.ids(prompt)
        return generation.generate(
            *(self.model, self.tokenizer, ids, max_new_tokens, settings, seed),
            *(stop, self.end_ids, use_cache),
        )

    def beam_search(
        self,
        prompt: str | Sequence[int],
        max_new_tokens: int,
        num_beams: int = 4,
        *,
        length_penalty: float = 1.0,
        no_repeat_ngram_size: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> BeamSearch:
        """Look for likely continuations of a prompt: no dice, no temperature, the model alone.

        Of all ways to go on, the num_beams whose tokens are likeliest together are kept at each
        step. A text ends after max_new_tokens, or with a token that ends a text for this model.
        Texts of different lengths are ranked by log-probability / length ** length_penalty, as
        transformers does with early_stopping=False. progress is told how many steps are done.
        Raises ValueError for numbers that mean nothing.
        """
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {max_new_tokens}; a search takes 1 or more")
        if num_beams < 1:
            raise ValueError(f"num_beams is {num_beams}; it must be 1 or more")
        if no_repeat_ngram_size < 0:
            raise ValueError(f"no_repeat_ngram_size is {no_repeat_ngram_size}; 0 is off")
        return beam_search.beam_search(
            *(self.model, self.ids(prompt), max_new_tokens, num_beams),
            *(length_penalty, no_repeat_ngram_size, self.end_ids, progress),
        )


def load(name: str | Path) -> LanguageModel:
    """A model ready to be looked into: a name under checkpoints/, a folder, or a hub id.

    Raises FileNotFoundError or ValueError, in one sentence, if there is none or it is broken;
    warns of counts of its training text that are.
    """
    folder = checkpoints.find(str(name))
    # Taken first: if the files change while they are read, the next look loads them anew.
    digest = checkpoints.fingerprint(folder)
    model, tokenizer = checkpoints.read(folder)
    try:
        token_counts = counts.read(folder, tokenizer.vocab_size)
    except ValueError as error:  # all but these counts can be looked at
        warnings.warn(f"{error}; the model opens without it", stacklevel=2)
        token_counts = None
    called = Path(name).name or folder.resolve().name
    notes = checkpoints.notes(folder, model, tokenizer)
    ends = checkpoints.ends(folder)
    return LanguageModel(model, tokenizer, called, digest, token_counts, ends, notes)
