"""How much there is to calculate for a token, and how long that takes on this machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
from torch import nn

from gptviz import kernels, parameters
from gptviz.checkpoints.weights import unfilled
from gptviz.config import GPTConfig
from gptviz.jobs import estimate
from gptviz.model import GPT
from gptviz.parameters import Formula

Progress = Callable[[int, int], None]

# A product of a vector of n numbers with one of m takes n · m multiplications and as many
# additions. n is how many tokens a token looks at, itself among them. Norms, softmax and GELU are
# left out: they grow with the width, and not with its square.
WORK = {
    "queries, keys, values": Formula((("2", "C", "3C"),), "L"),
    "scores": Formula((("2", "n", "C"),), "L"),
    "weighted sum": Formula((("2", "n", "C"),), "L"),
    "attention's output": Formula((("2", "C", "C"),), "L"),
    "MLP": Formula((("2", "C", "D"), ("2", "D", "C")), "L"),
    "logits": Formula((("2", "C", "V"),)),
}
READ = 64  # tokens that a measured model reads, or its context if that is shorter
WRITTEN, PASSES = 8, 5  # tokens that it writes then; forward passes before that
MOST_BYTES = 4e9  # of weights
MOST_LAYERS = 200  # each takes time of its own, however small it is
CONSTANT = 2.0**-6  # every weight: what is calculated takes as long whatever the numbers are
WIDE, DEEP = 3072, 768  # a product as in GPT-2 small's MLP
LAYERS = 8  # of that size: too large in all for the memory beside the cores


@dataclass(frozen=True)
class Measured:
    """Seconds that a model took here, and what this machine did in products alone."""

    n_read: int  # tokens of the forward pass
    forward: float  # seconds for them
    token: float  # seconds for one more token, with the keys and values of those before
    flops_per_second: float  # of a large product of many rows
    bytes_per_second: float  # at which weights are read for one row


def work(config: GPTConfig, n: int) -> pd.DataFrame:
    """Floating-point operations for one token that looks at n tokens: part, formula, filled, FLOPs.

    As Kaplan et al. (2020, Scaling Laws for Neural Language Models), table 1, count them, who take
    the mean over a text for n. Raises ValueError for an n outside the context.
    """
    _require_within(config, n)
    values = parameters.letters(config) | {"n": n}
    rows = [
        (part, formula.text, formula.filled(values), formula.all(values))
        for part, formula in _work(config).items()
    ]
    return pd.DataFrame(rows, columns=["part", "formula", "filled", "FLOPs"])


def ends(config: GPTConfig) -> pd.DataFrame:
    """`work` of the first and of the last token of the context: token, part, formula, …, FLOPs."""
    numbers = dict.fromkeys((1, config.block_size))
    tables = [work(config, n).assign(token=f"token {n:,}") for n in numbers]
    return pd.concat(tables, ignore_index=True)


def flops(config: GPTConfig, n: int) -> int:
    """All operations for one token that looks at n tokens; training takes three times as many."""
    _require_within(config, n)
    values = parameters.letters(config) | {"n": n}
    return sum(formula.all(values) for formula in _work(config).values())


def require_measurable(config: GPTConfig) -> None:
    """Raise ValueError, with the reason, for a shape that would take too long or too much here."""
    weights = 4 * parameters.count(config)
    free = estimate.available_memory()
    if config.n_layer > MOST_LAYERS:
        raise ValueError(
            f"{config.n_layer:,} layers take too long to try here; at most {MOST_LAYERS} are "
            f"measured, and everything else is counted"
        )
    # Large layers keep their weights in a second layout, too.
    if weights > MOST_BYTES or (free is not None and 2 * weights > estimate.SPARE * free):
        told = "" if free is None else f", and {free / 1e9:.1f} GB are free here"
        raise ValueError(
            f"its weights alone would take {weights / 1e9:,.1f} GB{told}; up to "
            f"{MOST_BYTES / 1e9:.0f} GB are measured, and everything else is counted"
        )


@torch.inference_mode()
def measure(config: GPTConfig, progress: Progress | None = None) -> Measured:
    """How long a model of this shape takes here to read READ tokens, and to write one more.

    It is made, tried and thrown away. progress(done, all) is called before each try. Raises
    ValueError as `require_measurable` does.
    """
    require_measurable(config)
    tries = 2 + PASSES + WRITTEN
    done = iter(range(tries))

    def tell() -> None:
        if progress is not None:
            progress(next(done), tries)

    tell()
    rate, bandwidth = _of_machine()
    tell()
    model = _model(config)
    n_read = min(READ, config.block_size)
    ids = torch.arange(n_read).remainder(config.vocab_size)[None]
    model(ids)  # the first time plans are made
    forward, tokens = [], []
    for _ in range(PASSES):
        tell()
        forward.append(_seconds(partial(model, ids)))
    cache = model.new_cache(size=n_read)
    model(ids, cache)
    for _ in range(WRITTEN):
        tell()
        for part in (cache, *cache):  # the last token is read once more, as a new one would be
            part.length = n_read - 1
        tokens.append(_seconds(partial(model, ids[:, -1:], cache)))
    return Measured(n_read, statistics.median(forward), statistics.median(tokens), rate, bandwidth)


def comparison(config: GPTConfig, found: Measured) -> pd.DataFrame:
    """What was measured beside the least that can be expected: what, predicted (s), measured (s).

    Work takes as long as its operations, or as bringing each weight from memory once, whichever
    takes longer (Williams, Waterman and Patterson, 2009, Roofline).
    """
    n = found.n_read
    bringing = _bytes_read(config) / found.bytes_per_second
    rows = [
        # Each row of a pattern is calculated whole, and what lies ahead is masked.
        (f"reading {n} tokens", n * flops(config, n), found.forward),
        ("writing one token", flops(config, n), found.token),
    ]
    return pd.DataFrame(
        [(what, max(todo / found.flops_per_second, bringing), took) for what, todo, took in rows],
        columns=["what", "predicted", "measured"],
    )


def _work(config: GPTConfig) -> dict[str, Formula]:
    """The operations of each part, of no terms for those that the blocks do without."""
    left_out = {"MLP": not config.mlp, "logits": False}
    return {
        part: Formula() if left_out.get(part, not config.attention) else formula
        for part, formula in WORK.items()
    }


def _require_within(config: GPTConfig, n: int) -> None:
    if not 1 <= n <= config.block_size:
        raise ValueError(f"n is {n}; a token looks at 1 to {config.block_size:,} tokens")


def _bytes_read(config: GPTConfig) -> int:
    """Bytes of the weights that each token meets: of an embedding it needs no more than a row."""
    embeddings = ["position embedding", *([] if config.tie_weights else ["token embedding"])]
    rows, values = parameters.formulas(config), parameters.letters(config)
    return 4 * (parameters.count(config) - sum(rows[name].all(values) for name in embeddings))


def _model(config: GPTConfig) -> GPT:
    """A model of this shape in memory, whose weights mean nothing."""
    model = unfilled(config).to_empty(device="cpu").eval()
    for parameter in model.parameters():
        parameter.fill_(CONSTANT)
    kernels.speed_up(model)
    return model


def _of_machine() -> tuple[float, float]:
    """Operations a second of a product of READ rows, and bytes of weights a second for one row."""
    layers = [
        kernels.QuickLinear(nn.utils.skip_init(nn.Linear, DEEP, WIDE, bias=False), keep=True)
        for _ in range(LAYERS)
    ]
    for layer in layers:
        layer.weight.fill_(CONSTANT)
    many, one = torch.full((READ, DEEP), CONSTANT), torch.full((1, DEEP), CONSTANT)
    for layer in 2 * layers:  # plans are made, and a layout where one is kept
        layer(many)
    compute, read = (
        statistics.median([_seconds(partial(layer, x)) for layer in layers]) for x in (many, one)
    )
    return 2 * READ * WIDE * DEEP / compute, 4 * WIDE * DEEP / read


def _seconds(deed: Callable[[], object]) -> float:
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start
