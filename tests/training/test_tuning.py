"""Threads and ways of computing are chosen by what a step takes, and chosen again."""

import json
import math
from collections.abc import Callable, Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptviz.model import GPTConfig
from gptviz.training import tuning, way
from gptviz.training.batches import Batch
from gptviz.training.config import TrainingConfig
from gptviz.training.learner import Learner
from gptviz.training.process_group import ALONE
from gptviz.training.tuning import Threads, quickest
from gptviz.training.way import Way

BEGIN = Way(torch.float32, "fused", 32)
CHANGES = (
    {"dtype": torch.float32},
    {"dtype": torch.bfloat16},
    {"attention": "fused"},
    {"attention": "explicit"},
    {"chunk": 32},
    {"chunk": 128},
)


class Machine:
    """A clock on which a step takes a known time with each number of threads."""

    def __init__(self, takes: Mapping[int, float]):
        self.takes, self.now, self.in_use, self.used = dict(takes), 0.0, 0, []
        self.threads = Threads(max(takes), use=self.use, clock=lambda: self.now)

    def use(self, n: int) -> None:
        self.in_use = n
        self.used.append(n)

    def step(self) -> None:
        self.threads.step_began()
        self.now += self.takes[self.in_use]
        self.threads.weights_updated(1)

    def steps_until(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step()


@pytest.mark.parametrize(
    ("alone", "together", "chosen"),
    [(1.0, 0.55, 2), (1.0, 0.7, 1), (1.0, 0.93, 1), (1.0, 8.0, 1), (0.02, 0.012, 2)],
)
def test_one_thread_is_used_where_more_gain_less_than_a_third(alone, together, chosen):
    machine = Machine({1: alone, 2: together})
    for _ in range(4):
        machine.step()
    machine.step()
    assert machine.in_use == chosen


def test_a_machine_that_gets_busy_is_noticed_and_one_that_gets_free_too():
    machine = Machine({1: 0.1, 2: 0.05})
    machine.steps_until(100)
    assert machine.in_use == 2
    machine.takes[2] = 0.8  # another process took a core
    machine.steps_until(tuning.LAST_WAIT + 10)
    assert machine.threads.chosen == 1
    machine.takes[2] = 0.05
    machine.steps_until(tuning.LAST_WAIT + 10)
    assert machine.threads.chosen == 2


def test_looking_again_costs_little():
    machine = Machine({1: 1.0, 2: 1.0})
    machine.steps_until(2000)
    tried = sum(n != machine.threads.chosen for n in machine.used)
    assert tried / len(machine.used) < 0.02


def test_with_one_processor_nothing_is_tried():
    machine = Machine({1: 0.1})
    machine.steps_until(50)
    assert set(machine.used) == {1}


def measured(takes: Callable[[Way], float]) -> tuple[Callable[[Way], float], list[Way]]:
    asked: list[Way] = []

    def seconds(way: Way) -> float:
        asked.append(way)
        return takes(way)

    return seconds, asked


def test_what_is_quicker_is_taken_one_thing_at_a_time():
    def takes(way: Way) -> float:
        narrow = 0.5 if way.dtype == torch.bfloat16 else 1.0
        step_by_step = 0.6 if way.attention == "explicit" else 1.0
        return 0.1 * narrow * step_by_step * (0.5 if way.chunk > 32 else 1.0)

    seconds, asked = measured(takes)
    found = quickest(BEGIN, CHANGES, seconds, math.inf)
    assert (found.dtype, found.attention) == (torch.bfloat16, "explicit")
    assert found.chunk > 32
    assert len(asked) == len(set(asked)), "a way is measured once"


def test_a_narrow_win_is_none():
    seconds, _ = measured(lambda way: 0.1 if way == BEGIN else 0.095)
    assert quickest(BEGIN, CHANGES, seconds, math.inf) == BEGIN


@given(st.floats(0.01, 10), st.integers(1, 5), st.integers(0, 2**32))
def test_trials_end_with_the_time_that_they_have(step: float, repeats: int, seed: int):
    now, trials = 0.0, []
    generator = torch.Generator().manual_seed(seed)

    def seconds(_: Way) -> float:
        nonlocal now
        took = step * float(0.5 + torch.rand((), generator=generator))
        now += repeats * took  # what a measurement takes is more than what it says
        trials.append(repeats * took)
        return took

    quickest(BEGIN, CHANGES, seconds, tuning.BUDGET, lambda: now)
    assert now <= max(tuning.BUDGET + max(trials), trials[0])
    assert len(trials) == 1 or now - trials[-1] <= tuning.BUDGET


@pytest.fixture
def learner() -> Learner:
    model = GPTConfig(60, block_size=16, n_layer=1, n_head=2, n_embd=16)
    config = TrainingConfig(model, "", batch_size=4)
    return Learner(config, torch.device("cpu"), torch.float32, ALONE)


@pytest.fixture
def batch() -> Batch:
    ids = torch.randint(60, (4, 17), generator=torch.Generator().manual_seed(0))
    return Batch(ids[:, :-1], ids[:, 1:])


def test_what_was_measured_is_told_and_comes_back_from_the_status(learner: Learner, batch: Batch):
    tried = tuning.tune(learner, batch)
    assert {trial.way.dtype for trial in tried} == {torch.float32, torch.bfloat16}
    assert learner.way in [trial.way for trial in tried]
    assert {trial.windows for trial in tried} <= {1, 2, 3, 4}
    rows = json.loads(json.dumps([trial.to_dict() for trial in tried]))
    status = {"device": "cpu", "ways": {"cpu": learner.way.to_dict()}, "trials": {"cpu": rows}}
    assert way.of_run(status) == (learner.way, tried)


def test_the_words_name_both_precisions_with_their_times():
    narrow = {"dtype": "bfloat16", "attention": "explicit", "chunk": None}
    took = [
        ("float32", "fused", 0.0412),
        ("bfloat16", "fused", 0.03),
        ("bfloat16", "explicit", 0.021),
    ]
    rows = [
        {"dtype": dtype, "attention": attention, "chunk": None, "seconds": s, "windows": 3}
        for dtype, attention, s in took
    ]
    status = {"device": "cpu", "ways": {"cpu": narrow}, "threads": 2, "trials": {"cpu": rows}}
    assert way.in_words(status) == (
        "It computes in bfloat16 with explicit attention, on 2 threads. Tried before its first "
        "step, 3 windows forward and back took 21 ms like this, and 41.2 ms in float32; none of 3 "
        "ways was a tenth quicker."
    )
    for row in rows:
        row["seconds"] *= 100
    assert "2,100 ms like this, and 4,120 ms in float32" in way.in_words(status)
    status |= {"threads": 1, "trials": {"cpu": []}}
    assert way.in_words(status) == "It computes in bfloat16 with explicit attention, on 1 thread."
    assert way.in_words({}) == ""


@pytest.mark.parametrize(
    "broken", [None, {"seconds": -1}, {"seconds": "soon"}, {"windows": None}, {"dtype": "int8"}]
)
def test_a_trial_that_cannot_be_read_is_left_out(broken):
    whole = {**BEGIN.to_dict(), "seconds": 0.5, "windows": 2}
    rows = [whole, {**whole, **broken} if broken else {}, 3]
    assert len(way.of_run({"device": "cpu", "trials": {"cpu": rows}})[1]) == 1


def test_trials_change_no_weight_and_leave_no_gradient(learner: Learner, batch: Batch):
    before = {name: weight.clone() for name, weight in learner.model.state_dict().items()}
    tuning.tune(learner, batch)
    for name, weight in learner.model.state_dict().items():
        assert torch.equal(weight, before[name]), name
    assert all(weight.grad is None for weight in learner.model.parameters())


@pytest.mark.parametrize("attention", ["fused", "explicit"])
@pytest.mark.parametrize("chunk", [None, 1, 32, 1024])
def test_every_way_computes_the_same_loss(learner: Learner, batch: Batch, attention, chunk):
    usual = learner.gradient([batch], seed=0)
    gradient = learner.model.wte.weight.grad.clone()
    learner.optimizer.zero_grad()
    learner.use(Way(torch.float32, attention, chunk))
    assert learner.gradient([batch], seed=0) == pytest.approx(usual, abs=1e-5)
    torch.testing.assert_close(learner.model.wte.weight.grad, gradient, rtol=1e-4, atol=1e-6)


@given(
    st.builds(
        Way,
        st.sampled_from([torch.float32, torch.bfloat16]),
        st.sampled_from(["fused", "explicit"]),
        st.none() | st.integers(1, 4096),
    )
)
def test_a_way_comes_back_from_json_as_it_was(way: Way):
    assert Way.from_dict(json.loads(json.dumps(way.to_dict()))) == way


@pytest.mark.parametrize("broken", [{}, {"dtype": "int8"}, {"attention": 3}, {"chunk": -1}])
def test_what_is_no_way_is_none(broken):
    assert Way.from_dict({**BEGIN.to_dict(), **broken} if broken else {}) is None
