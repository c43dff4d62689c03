"""What came of the runs of a series, and what shapes take before anybody trains them."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pandas as pd

from gptviz import jobs, parameters
from gptviz.config import GPTConfig
from gptviz.jobs import presets, shipping
from gptviz.jobs.build_up import SHAPES
from gptviz.jobs.presets import Preset
from gptviz.runs import LIVING, Run, compare
from gptviz.subjects.anatomy import work_analysis
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training.record import metrics, samples

COLUMNS = ("run", "parameters", "best_val_loss", "best_bits_per_byte")


def latest(series: Sequence[Preset]) -> list[Run | None]:
    """Of each preset the newest run of this machine, else the one that ships, if there is one.

    A run of this machine counts when it is done, or while it lives once it has validated.
    """
    own = [run for run in jobs.list_runs() if _tells(run)]
    runs = [*own, *shipping.gallery()]
    return [presets.latest(runs, preset) for preset in series]


def n_living(series: Sequence[Preset]) -> int:
    """How many runs of a series train now or wait for their turn."""
    living = [run for run in jobs.list_runs() if jobs.state(run) in LIVING]
    return sum(presets.latest(living, preset) is not None for preset in series)


def results(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run: its name, parameters, best validation loss, and that in bits a byte.

    The loss is in nats a token, so that it compares between runs with the same tokenizer only.
    """
    return compare.table(runs)[[*COLUMNS]]


def courses(runs: Sequence[Run]) -> pd.DataFrame:
    """The validation losses of runs in bits a byte: step, and a column for each run's name.

    Bits a byte compare between tokenizers: a piece of a word is harder to guess than a letter, and
    brings more of the text. NaN where a run did not validate.
    """
    columns = []
    for run, name in zip(runs, compare.names(runs), strict=True):
        steps, losses = metrics.read(run.folder).validations
        bits = [compare.bits(run, float(loss)) for loss in losses]
        columns.append(pd.Series(bits, index=steps.astype(int), name=name, dtype=float))
    return pd.concat(columns, axis=1).sort_index().rename_axis("step").reset_index()


def sample(run: Run) -> tuple[int, str] | None:
    """The last text that a run wrote by itself, and at which step; None before the first."""
    rows = samples.read(run.folder)
    if not rows:
        return None
    return int(rows[-1]["step"]), rows[-1]["prompt"].lstrip("\n") + rows[-1]["text"]


def sizes(size: str = "quarter") -> pd.DataFrame:
    """The four shapes of a size, "quarter" or "full", a row each.

    Columns: shape, blocks, width, heads, parameters, of blocks (those of all attention and MLPs),
    MB (all parameters in 32 bits).
    """
    rows = []
    for preset, config in _shapes(size):
        parts, letters = parameters.formulas(config), parameters.letters(config)
        of_blocks = sum(parts[name].all(letters) for name in ("attention", "MLP"))
        whole = parameters.count(config)
        shape = (config.n_layer, config.n_embd, config.n_head)
        rows.append((preset.title, *shape, whole, of_blocks, 4 * whole / 1e6))
    columns = ["shape", "blocks", "width", "heads", "parameters", "of blocks", "MB"]
    return pd.DataFrame(rows, columns=columns)


def forward_times(
    size: str = "quarter", progress: Callable[[int, int], None] = lambda done, whole: None
) -> pd.DataFrame:
    """How long each shape takes here for one forward pass: shape, tokens, milliseconds.

    The median of some passes of a model whose weights mean nothing; progress is told how much of
    the work is done.
    """
    shapes = [*_shapes(size)]
    rows = []
    for i, (preset, config) in enumerate(shapes):

        def tell(i: int, done: int, whole: int) -> None:
            progress(i * whole + done, len(shapes) * whole)

        found = work_analysis.measure(config, partial(tell, i))
        rows.append((preset.title, found.n_read, 1e3 * found.forward))
    return pd.DataFrame(rows, columns=["shape", "tokens", "milliseconds"])


def _tells(run: Run) -> bool:
    state = jobs.state(run)
    validated = len(metrics.read(run.folder).validations[0]) > 0
    return state == "done" or (state in LIVING and validated)


def _shapes(size: str) -> Iterator[tuple[Preset, GPTConfig]]:
    for preset in SHAPES[size]:
        yield preset, preset.on(SHAKESPEARE).model
