"""Who watches a run hears of its events in order, and costs the run's own parts no time."""

from pathlib import Path

import pytest
import torch

from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.runs.control import Requests
from gptviz.training.config import TrainingConfig
from gptviz.training.loop import Trainer
from gptviz.training.record import stopwatch
from gptviz.training.record.observer import Observer
from gptviz.training.record.observers import Observers
from gptviz.training.record.stopwatch import Stopwatch

EVENTS = [name for name in vars(Observer) if not name.startswith("_")]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    text = tmp_path / "text.txt"
    text.write_text("abcd" * 100, encoding="utf-8")
    config = TrainingConfig(
        GPTConfig(vocab_size=4, block_size=8, n_layer=1, n_head=1, n_embd=4),
        str(text),
        tokenizer="char",
        steps=2,
        warmup_steps=1,
        accumulation=2,
        eval_interval=2,
        sample_interval=0,
        snapshots=0,
        precision="float32",
    )
    return Run.create(tmp_path / "run", config)


class Clock:
    """A clock that moves on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Slow(Observer):
    """Takes 100 seconds over each event, and writes down which came."""

    def __init__(self, clock: Clock):
        self.clock, self.heard = clock, []

    def __getattribute__(self, name: str):
        if name in EVENTS:
            self.heard.append(name)
            self.clock.now += 100
        return super().__getattribute__(name)


def test_an_observer_hears_of_a_step_in_the_order_in_which_it_learns(run):
    trainer = Trainer(run, Requests(run))
    watching = Slow(Clock())
    trainer.observers.all = (*trainer.observers.all, watching)
    assert trainer.train() == "done"
    step = [
        *("step_began", "batches_drawn"),
        *("forward_done", "backward_done") * 2,
        *("gradient_found", "gradient_clipped", "weights_updated", "step_done"),
    ]
    assert watching.heard == step * 2
    assert [("val_loss" in row) for row in run.metrics] == [False, True]


def test_the_time_of_observers_belongs_to_no_part_of_the_step(run, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    observers = Observers(Stopwatch(run, torch.device("cpu")), Slow(clock))
    observers.started(0)
    row = {"step": 1}
    events = {
        "step_began": (),
        "batches_drawn": (),
        "forward_done": (),
        "backward_done": (),
        "gradient_found": (1,),
        "gradient_clipped": (1,),
        "weights_updated": (1,),
        "step_done": (row,),
    }
    for event, details in events.items():
        clock.now += 1
        getattr(observers, event)(*details)
    parts = {"data": 1, "forward": 1, "backward": 1, "optimizer": 2, "other": 803}
    assert row["time"] == parts
    assert row["seconds"] == 808
    assert row["tokens_per_second"] == run.config.tokens_per_step / 5
