"""Many changed runs of one prompt, side by side in batches: for knock-outs and patching."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gptviz import tracing
from gptviz.activations import Trace
from gptviz.language_model import LanguageModel
from gptviz.measures import Measure
from gptviz.tracing import Edit

# How many tokens are read at once: on two cores more gain a tenth at most, and cost memory.
TOKENS_AT_ONCE = 128

Progress = Callable[[int, int], None]  # how many runs are done, of how many
Change = Callable[[Tensor, int], None]  # changes the activation of one run, in place


def batches(n_runs: int, n_tokens: int) -> Iterator[range]:
    """Runs 0 … n_runs − 1, in groups that are read at once."""
    size = max(1, TOKENS_AT_ONCE // n_tokens)
    for start in range(0, n_runs, size):
        yield range(start, min(start + size, n_runs))


def measured(lm: LanguageModel, hidden: Tensor, measure: Measure) -> Tensor:
    """A measure of each of B runs, (B,) float64, from their streams after the last norm (B, T, C).

    Logits are made one run at a time: those of a large vocabulary fill the memory.
    """
    if measure.last_only:
        hidden = hidden[:, -1:]
    with torch.inference_mode():
        values = [float(measure.of(lm.model.unembed(run))) for run in hidden]
    return torch.tensor(values, dtype=torch.float64)


def each_changed(
    lm: LanguageModel,
    usual: Trace,
    name: str,
    n_runs: int,
    change: Change,
    measure: Measure,
    before: Callable[[int], None] = lambda n: None,
) -> Tensor:
    """The measure of n_runs runs, (n_runs,), in each of which one activation of a block is changed.

    usual is the run as it is, with "embed" and "h.*": what comes before the change is taken from
    it. change(activation, run) changes the activation `name`, "h.3" or one inside of that block,
    of a run, without a batch dimension, in place. before(n) is called with the number of finished
    runs, before each batch; what it raises ends the work.
    """
    number, _, inner = name.removeprefix("h.").partition(".")
    block = int(number) if inner else int(number) + 1  # the first one that may compute otherwise
    stream = usual["embed" if block == 0 else f"h.{block - 1}"]
    found = []
    for runs in batches(n_runs, len(stream)):
        before(runs.start)
        edit = _edit(change, runs)
        side_by_side = stream.expand(len(runs), -1, -1)
        edits = {name: edit} if inner else {}
        if not inner:
            side_by_side = edit(side_by_side.clone())
        found.append(
            measured(lm, tracing.hidden_from(lm.model, side_by_side, block, edits), measure)
        )
    return torch.cat(found)


def _edit(change: Change, runs: range) -> Edit:
    def edit(activation: Tensor) -> Tensor:
        for row, run in enumerate(runs):
            change(activation[row], run)
        return activation

    return edit
