"""How a step of this run is quickest on this machine, measured with the step itself.

Which way is quicker depends on the make of the processor, on the sizes of the model, and on what
else the machine does. No constant knows that, and a measurement of the real step does.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

import torch

from gptviz.model import Attention
from gptviz.runs import Run
from gptviz.training.batches import Batch
from gptviz.training.devices import choose_dtype
from gptviz.training.learner import Learner
from gptviz.training.loss import chunks
from gptviz.training.record.observer import Observer
from gptviz.training.way import Trial, Way

log = logging.getLogger("gptviz")

BUDGET = 2.5  # seconds for all trials: the first loss is to be seen soon
LONG = 0.1  # seconds: a part of a batch that takes this long is measured well enough
REPEATS = 5  # of what is shorter; the quickest counts, for others were interrupted
CLEARLY = 0.9  # the share of the time that another way may take at most: less may be chance
# Two threads wait for each other wherever another process wants one of the cores. A gain of less
# than a third is not worth that.
ENOUGH = 2 / 3
TRIES = 2  # steps with each number, of which the quicker counts
FIRST_WAIT, LAST_WAIT = 20.0, 160.0  # seconds until it is looked at again


def tune(learner: Learner, batch: Batch, budget: float = BUDGET) -> list[Trial]:
    """Let a learner compute in the way that is quickest for it here; what each way took.

    A part of a batch is tried, and no weight changes.
    """
    trials: list[Trial] = []
    end = time.perf_counter() + budget
    first = _seconds(learner, _part(batch, 1))  # it is slow, as it allocates memory
    one = first if first > LONG else _seconds(learner, _part(batch, 1))
    part = _part(batch, min(len(batch.inputs), max(1, int(LONG / one))))

    def seconds(way: Way) -> float:
        learner.use(way)
        took = [_seconds(learner, part) for _ in range(2)]  # the first one may allocate memory
        while len(took) < REPEATS and sum(took) < LONG:
            took.append(_seconds(learner, part))
        trials.append(Trial(way, min(took), len(part.inputs)))
        return min(took)

    changes: list[dict[str, Any]] = [
        *({"dtype": dtype} for dtype in (torch.float32, torch.bfloat16)),
        *({"attention": attention} for attention in get_args(Attention)),
        *({"chunk": chunk} for chunk in chunks(learner.config.model.vocab_size)),
    ]
    way = quickest(learner.way, changes, seconds, end)
    learner.use(way)
    return trials


def _part(batch: Batch, n: int) -> Batch:
    return replace(batch, inputs=batch.inputs[:n], targets=batch.targets[:n])


def _seconds(learner: Learner, batch: Batch) -> float:
    start = time.perf_counter()
    learner.gradient([batch], seed=0)
    took = time.perf_counter() - start
    learner.optimizer.zero_grad(set_to_none=True)
    return took


def quickest(
    begin: Way,
    changes: Iterable[Mapping[str, Any]],
    seconds: Callable[[Way], float],
    end: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Way:
    """The quickest way to be found by changing one thing at a time, until the clock is at the end.

    seconds measures a way, and may take longer than what it says. What is not clearly quicker
    than what is there is not taken.
    """
    began = clock()
    best = seconds(begin)
    longest = clock() - began
    way, tried = begin, {begin}
    for change in changes:
        other = replace(way, **change)
        if other in tried:
            continue
        tried.add(other)
        began = clock()
        if began + longest > end:
            log.info("the time for trials is over")
            break
        took = seconds(other)
        longest = max(longest, clock() - began)
        log.info("%s: %.0f ms; %s: %.0f ms", way, 1000 * best, other, 1000 * took)
        if took < CLEARLY * best:
            way, best = other, took
    return way


def usual_dtype(run: Run, device: torch.device) -> torch.dtype:
    """What a run computes in before anything is measured; a run of old says what it chose."""
    known = run.status.get("dtype", {}).get(device.type)
    if known:
        return getattr(torch, known)
    return choose_dtype(run.config.precision, device, run.config)


def settle_way(run: Run, learner: Learner, draw: Callable[[], Batch], alone: bool) -> None:
    """Let a learner compute in the way of this run: found out once, or the curve would bend.

    Where the precision is free, the quickest is looked for with a batch; several processes, and
    GPUs, keep to what is usual.
    """
    ways = run.status.get("ways", {})
    device = learner.device.type
    known = Way.from_dict(ways[device]) if device in ways else None
    if known:
        learner.use(known)
        return
    free = run.config.precision == "auto" and "dtype" not in run.status
    tried = tune(learner, draw()) if free and alone and device == "cpu" else []
    run.update_status(
        {
            "ways": {**ways, device: learner.way.to_dict()},
            "trials": {
                **run.status.get("trials", {}),
                device: [trial.to_dict() for trial in tried],
            },
        }
    )


class Threads(Observer):
    """How many threads the steps of a run use: all, or one where more gain little or stall.

    It is found out with real steps, some of which try the other number, and looked at again
    while the run goes on, for the machine may have got more to do, or less.
    """

    def __init__(
        self,
        most: int,
        chosen: Callable[[int], None] = lambda n: None,
        use: Callable[[int], None] = torch.set_num_threads,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.most, self.tell, self.use, self.clock = most, chosen, use, clock
        self.chosen = self.now = most
        self.to_try: list[int] = []  # the numbers for the next steps, while it is found out
        self.took: dict[int, float] = {}
        self.wait, self.next_look = FIRST_WAIT, -math.inf
        self.trying, self.began = False, 0.0

    def step_began(self) -> None:
        """Use the number that is chosen, or one that is to be tried."""
        if self.most > 1 and not self.took and self.clock() >= self.next_look:
            other = 1 if self.chosen > 1 else self.most
            self.to_try = [self.chosen, other] * TRIES
        self.trying = bool(self.to_try)
        self.now = self.to_try.pop(0) if self.to_try else self.chosen
        self.use(self.now)
        self.began = self.clock()

    def weights_updated(self, step: int) -> None:  # noqa: ARG002
        """Note what the step took, and choose when both numbers have been tried."""
        took = self.clock() - self.began
        if not self.trying:
            return
        self.took[self.now] = min(took, self.took.get(self.now, math.inf))
        if self.to_try:
            return
        before, alone, together = self.chosen, self.took[1], self.took[self.most]
        self.chosen = 1 if together > ENOUGH * alone else self.most
        # The longer an answer has held, the later it is asked for again.
        self.wait = FIRST_WAIT if self.chosen != before else min(2 * self.wait, LAST_WAIT)
        self.next_look = self.clock() + self.wait
        self.took = {}
        log.info(
            "a step takes %.0f ms with 1 thread and %.0f ms with %d, so %d is used",
            1000 * alone,
            1000 * together,
            self.most,
            self.chosen,
        )
        self.tell(self.chosen)
