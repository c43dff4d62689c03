"""Beam search: several beginnings of a text are kept at a time, and the likeliest ones go on.

Greedy writing takes the likeliest token and never looks back. Here a token that is less likely may
win, because what follows it makes the whole text likelier (Lowerre, 1976; for networks that write,
Graves, 2012).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch

from gptviz.batch import BatchReader
from gptviz.model import GPT
from gptviz.sampling import forbid_ngrams


@dataclass(frozen=True)
class BeamToken:
    """One token of the tree: one way to go on that was kept at its step."""

    id: int
    parent: int  # its place among the tokens of the step before; 0 for the prompt
    log_probability: float  # of this token after all before it, in nats
    total: float  # of all tokens up to here
    ended: bool  # whether the text ends with it


@dataclass(frozen=True)
class Hypothesis:
    """A whole text that was found."""

    ids: tuple[int, ...]
    log_probability: float  # of the whole text, in nats
    score: float  # the same, divided by its length to the power of the length penalty
    places: tuple[int, ...]  # that of each of its tokens among those of its step


@dataclass(frozen=True)
class BeamSearch:
    """All that a search kept, step by step, and the texts that it found, the best first."""

    steps: tuple[tuple[BeamToken, ...], ...]  # of each step the likeliest first, ended ones last
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True)
class _Beam:
    ids: tuple[int, ...]
    places: tuple[int, ...]
    total: float


def beam_search(
    model: GPT,
    ids: Sequence[int],
    max_new_tokens: int,
    num_beams: int,
    length_penalty: float,
    no_repeat_ngram_size: int,
    ends: Collection[int],
    progress: Callable[[int, int], None] | None = None,
) -> BeamSearch:
    """The search of LanguageModel.beam_search, which explains it."""
    reader = BatchReader(model, len(ids) + max_new_tokens)
    beams, parents = [_Beam((), (), 0.0)], None
    steps: list[tuple[BeamToken, ...]] = []
    found: list[Hypothesis] = []
    for n in range(1, max_new_tokens + 1):
        if progress is not None:
            progress(n - 1, max_new_tokens)
        texts = [[*ids, *beam.ids] for beam in beams]
        logits = reader.next_logits(texts, parents)
        rows = [
            forbid_ngrams(row, text, no_repeat_ngram_size)
            for row, text in zip(logits.double().log_softmax(-1), texts, strict=True)
        ]
        log_p = torch.stack(rows)
        if log_p.isnan().any():
            raise ValueError("this model gives NaN for the next token; choose another model")
        totals = (log_p + log_p.new_tensor([beam.total for beam in beams])[:, None]).flatten()
        # So many that enough go on, even if each of the likeliest ends its text.
        wide = min(max(2, 1 + len(ends)) * num_beams, int((~totals.isneginf()).sum()))
        best = totals.topk(wide)
        going_on: list[BeamToken] = []
        ended: list[BeamToken] = []
        for rank, (total, index) in enumerate(
            zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ):
            parent, token = divmod(index, log_p.size(-1))
            over = token in ends
            kept = BeamToken(token, parent, float(log_p[parent, token]), total, over)
            if over and rank < num_beams:
                ended.append(kept)
            elif not over and len(going_on) < num_beams:
                going_on.append(kept)
        steps.append((*going_on, *ended))
        grown = [
            _Beam((*beams[kept.parent].ids, kept.id), (*beams[kept.parent].places, i), kept.total)
            for i, kept in enumerate(steps[-1])
        ]
        whole = grown if n == max_new_tokens else grown[len(going_on) :]
        found += [Hypothesis(b.ids, b.total, b.total / n**length_penalty, b.places) for b in whole]
        found = sorted(found, key=lambda text: -text.score)[:num_beams]
        beams, parents = grown[: len(going_on)], [kept.parent for kept in going_on]
        full = len(found) == num_beams
        if not beams or (full and beams[0].total / n**length_penalty <= found[-1].score):
            break
    return BeamSearch(tuple(steps), tuple(found))
