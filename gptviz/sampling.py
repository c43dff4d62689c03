"""From logits to the next token, in named stages.

The order is that of transformers: repetition penalty → no repeated n-grams → temperature → top-k →
top-p → min-p → typical → softmax → draw. Each stage says what it removed. A page that explains
sampling and the loop that generates call the same code.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

FEW = 4000  # likeliest tokens, which mostly reach top_p together


@dataclass(frozen=True)
class SamplingSettings:
    """How to turn logits into a choice. Raises ValueError for values that make no sense.

    temperature 0 is greedy: the likeliest token, always. Off are top_k None, top_p and typical_p 1,
    min_p and no_repeat_ngram_size 0.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    no_repeat_ngram_size: int = 0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature is {self.temperature!r}; it must be 0 or above")
        if self.top_k is not None and (not isinstance(self.top_k, int) or self.top_k < 1):
            raise ValueError(f"top_k is {self.top_k!r}; it must be 1 or more, or None for all")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p!r}; it must be above 0 and at most 1")
        if not (self.repetition_penalty > 0 and math.isfinite(self.repetition_penalty)):
            raise ValueError(
                f"repetition_penalty is {self.repetition_penalty!r}; it must be above 0 (1 is off)"
            )
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p is {self.min_p!r}; it must lie between 0 (off) and 1")
        if not 0 < self.typical_p <= 1:
            raise ValueError(f"typical_p is {self.typical_p!r}; it must be above 0 and at most 1")
        size = self.no_repeat_ngram_size
        if not isinstance(size, int) or size < 0:
            raise ValueError(
                f"no_repeat_ngram_size is {size!r}; it must be a number of tokens, or 0 for off"
            )


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage leaves: logits (V,), −inf where a token was removed."""

    name: str  # of the rule, as in SamplingSettings
    logits: Tensor
    before: Tensor = field(repr=False)  # the logits (V,) that this stage began with

    @property
    def removed(self) -> Tensor:
        """The tokens that this stage removed, and no earlier one: bool (V,)."""
        return self.logits.isneginf() & ~self.before.isneginf()

    @property
    def probabilities(self) -> Tensor:
        """Softmax of the logits, (V,): what would be drawn from if this were the last stage."""
        return self.logits.softmax(-1)


def stages(logits: Tensor, seen: Sequence[int], settings: SamplingSettings) -> list[Stage]:
    """The seven stages for one position's logits (V,), in order; the last one is drawn from.

    seen holds the ids read and written so far, in their order: the repetition penalty makes them
    less likely, and no stretch of no_repeat_ngram_size of them may come again.
    """
    result = []
    before = logits
    for name, after in (
        ("repetition_penalty", lambda x: penalise_repetition(x, seen, settings.repetition_penalty)),
        ("no_repeat_ngram_size", lambda x: forbid_ngrams(x, seen, settings.no_repeat_ngram_size)),
        ("temperature", lambda x: apply_temperature(x, settings.temperature)),
        ("top_k", lambda x: keep_top_k(x, settings.top_k)),
        ("top_p", lambda x: keep_top_p(x, settings.top_p)),
        ("min_p", lambda x: keep_min_p(x, settings.min_p)),
        ("typical_p", lambda x: keep_typical(x, settings.typical_p)),
    ):
        result.append(Stage(name, after(before), before))
        before = result[-1].logits
    return result


def penalise_repetition(logits: Tensor, seen: Iterable[int], penalty: float) -> Tensor:
    """Divide positive logits of seen tokens by the penalty, multiply negative ones by it.

    From CTRL (Keskar et al., 2019), as Hugging Face does it: dividing a negative logit would
    make the token likelier.
    """
    if penalty == 1:
        return logits
    ids = torch.tensor(sorted(set(seen)), dtype=torch.long, device=logits.device)
    scores = logits[ids]
    changed = torch.where(scores > 0, scores / penalty, scores * penalty)
    return logits.index_copy(-1, ids, changed)


def forbid_ngrams(logits: Tensor, seen: Sequence[int], size: int) -> Tensor:
    """Remove every token that would end a stretch of `size` tokens which was there before.

    As Hugging Face's no_repeat_ngram_size (Paulus et al., 2018, for size 3); 0 is off. Where
    nothing else would be left, the rule steps aside: a text has to go on.
    """
    if not 0 < size <= len(seen):
        return logits
    end = tuple(seen[len(seen) - size + 1 :])
    starts = range(len(seen) - size + 1)
    banned = {seen[i + size - 1] for i in starts if tuple(seen[i : i + size - 1]) == end}
    ids = torch.tensor(sorted(banned), dtype=torch.long, device=logits.device)
    left = logits.index_fill(-1, ids, -math.inf)
    return logits if left.isneginf().all() else left


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divide by the temperature; at 0 remove all but the likeliest token (the first of equals)."""
    if temperature == 0:
        best = logits.argmax(-1, keepdim=True)
        return torch.full_like(logits, -math.inf).scatter(-1, best, logits.gather(-1, best))
    return logits if temperature == 1 else logits / temperature


def keep_top_k(logits: Tensor, k: int | None) -> Tensor:
    """Remove every token that is less likely than the k-th (Fan et al., 2018); ties stay."""
    if k is None or k >= logits.size(-1):
        return logits
    return logits.masked_fill(logits < logits.topk(k).values[-1], -math.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the fewest tokens whose probabilities reach p together (Holtzman et al., 2020)."""
    if p == 1:
        return logits
    candidates = (~logits.isneginf()).nonzero().squeeze(-1)
    # In float64: the sum of 50,000 small numbers, rounded to float32, may reach p a token early.
    shares = logits[candidates].double().softmax(-1)
    likeliest = _likeliest(shares, p)
    ordered, order = shares[likeliest].sort(descending=True, stable=True)
    enough_before = ordered.cumsum(-1) - ordered >= p
    enough_before[:1] = False
    kept = candidates[likeliest[order[~enough_before]]]
    return torch.full_like(logits, -math.inf).index_copy(-1, kept, logits[kept])


def _likeliest(shares: Tensor, p: float) -> Tensor:
    """Places of the likeliest few, if they reach p together, or of all: (n,), in rising order.

    To put 50,000 in order takes as long as a small model takes to say them.
    """
    least = shares.topk(min(FEW, len(shares))).values[-1:]
    few = (shares >= least).nonzero().squeeze(-1)  # with all that tie with the last
    return few if shares[few].sum() > p else torch.arange(len(shares), device=shares.device)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Remove what is less likely than p times the likeliest token (Nguyen et al., 2024)."""
    if p == 0:
        return logits
    shares = (logits.double() - logits.max().double()).exp()  # of the likeliest one's probability
    return logits.masked_fill(shares < p, -math.inf)


def keep_typical(logits: Tensor, mass: float) -> Tensor:
    """Keep the tokens whose surprise is nearest to the expected one, until they reach a mass.

    Locally typical sampling (Meister et al., 2022): the surprise of a token is −ln of its
    probability, and the expected one is the entropy. The likeliest token may fall, too. Ties stay.
    """
    if mass == 1:
        return logits
    candidates = (~logits.isneginf()).nonzero().squeeze(-1)
    log_p = logits[candidates].double().log_softmax(-1)
    shares = log_p.exp()
    distances = (-log_p - torch.special.entr(shares).sum()).abs()
    ordered, order = distances.sort(stable=True)
    last = (shares[order].cumsum(-1) < mass).sum().clamp(max=len(order) - 1)
    kept = candidates[distances <= ordered[last]]
    return torch.full_like(logits, -math.inf).index_copy(-1, kept, logits[kept])


def draw(probabilities: Tensor, generator: torch.Generator) -> int:
    """One token id, drawn with these probabilities (V,); the generator decides.

    Laid end to end, the probabilities are a line; one random number is a place on it. Raises
    ValueError if one of them is NaN or infinite.
    """
    # In float64: 50,000 small numbers, rounded to float32, would move the later borders.
    borders = probabilities.double().cumsum(-1)
    if not borders[-1].isfinite():  # a NaN makes every later sum NaN
        raise ValueError(
            "the probabilities of the next token are not numbers; choose a temperature and a "
            "repetition_penalty nearer to 1, or another model if its weights are broken"
        )
    place = torch.rand((), generator=generator, dtype=torch.float64, device=borders.device)
    return int(torch.searchsorted(borders / borders[-1], place, right=True))
