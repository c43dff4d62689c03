"""What a run will need, told before it starts."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import pytest

from gptviz import parameters
from gptviz.disk import append_row
from gptviz.jobs import estimate
from gptviz.jobs import pace as measure
from gptviz.jobs.pace import Pace
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

TINY = TrainingConfig(GPTConfig(20, 8, 1, 2, 8), "text.txt", batch_size=4)
WIDE = GPTConfig(2048, 128, 4, 4, 256, 0.0, 0.0, 0.0)
MEMINFO = "MemTotal:       16000 kB\nMemFree:         100 kB\nMemAvailable:   8000 kB\n"


@pytest.fixture(scope="module")
def tiny_pace() -> Pace:
    assert measure.known(TINY) is None
    return measure.pace(TINY, deadline=120)


@pytest.fixture
def machine(tmp_path):
    """A made-up machine whose files say how much memory it has."""

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write("proc/meminfo", MEMINFO)
    return tmp_path, write


def test_weights_gradients_and_running_means_are_four_numbers_a_parameter():
    needed = estimate.memory(TINY)
    assert needed.weights + needed.gradients + needed.optimizer == 16 * parameters.count(TINY.model)


@pytest.mark.parametrize(("optimizer", "remembered"), [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_an_optimizer_that_remembers_less_needs_less_memory(optimizer, remembered):
    needed = estimate.memory(replace(TINY, optimizer=optimizer))
    assert needed.optimizer == remembered * needed.weights
    assert needed.saving == needed.weights + needed.optimizer


def test_muon_remembers_one_number_for_each_weight_in_the_matrices_of_blocks():
    needed = estimate.memory(replace(TINY, optimizer="muon"))
    inside = sum(p.numel() for p in GPT(TINY.model).h.parameters() if p.dim() == 2)
    assert needed.optimizer == 2 * needed.weights - 4 * inside


def test_activations_grow_with_the_batch_and_not_with_accumulation():
    base = estimate.memory(TINY).activations
    assert estimate.memory(replace(TINY, batch_size=8)).activations == 2 * base
    assert estimate.memory(replace(TINY, accumulation=8)).activations == base


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_estimate_is_within_a_half_of_a_measured_peak(dropout, tiny_pace):
    """Beyond what any process needs, of which the tiny run is nothing but an example."""
    model = replace(WIDE, embd_pdrop=dropout, attn_pdrop=dropout, resid_pdrop=dropout)
    config = TrainingConfig(model, "text.txt", batch_size=8, precision="float32")
    measured = measure.pace(config, deadline=120)
    if not measured.peak_bytes:
        pytest.skip("this system does not tell what a process holds")
    process = estimate.memory(TINY).total / tiny_pace.peak_bytes
    assert 1 / 1.5 < process < 1.5
    grown = measured.peak_bytes - tiny_pace.peak_bytes
    estimated = estimate.memory(config).total - estimate.memory(TINY).total
    assert grown > 50e6
    assert grown / 1.5 < estimated < grown * 1.5


def test_a_pace_is_measured_once_for_settings_whose_steps_take_as_long(tiny_pace):
    longer = replace(TINY, steps=7, learning_rate=0.5, data="other.txt")
    assert measure.known(longer) is tiny_pace
    assert measure.pace(longer, deadline=0) is tiny_pace
    assert tiny_pace.seconds_per_step > 0
    assert measure.known(replace(TINY, batch_size=5)) is None


def test_of_a_step_that_is_not_done_by_the_deadline_nothing_is_known():
    config = replace(TINY, seed=7, batch_size=5)
    with pytest.raises(measure.TooLateError, match=r"not one step was done in 0\.01 seconds"):
        measure.pace(config, deadline=0.01)
    assert measure.known(config) is None


def test_the_pace_of_a_run_is_that_of_its_latest_steps_without_what_is_between_them(tmp_path):
    run = Run.create(tmp_path / "run", TINY)
    for step, seconds in enumerate([9.0] * 30 + [0.25] * 50, 1):
        row = {"step": step, "tokens_per_second": TINY.tokens_per_step / seconds}
        append_row(run.folder / "metrics.jsonl", row)
    longer = replace(TINY, steps=9000, learning_rate=0.5, data="another.txt")
    found = measure.of_run(longer, run)
    assert found.seconds_per_step == pytest.approx(0.25)
    assert measure.of_run(replace(TINY, batch_size=5), run) is None
    assert measure.of_run(replace(TINY, model=replace(TINY.model, n_layer=2)), run) is None
    assert measure.of_run(TINY, Run.create(tmp_path / "new", TINY)) is None


def test_a_measurement_can_be_broken_off():
    config = replace(TINY, batch_size=7)
    with ThreadPoolExecutor() as pool:
        measurement = pool.submit(measure.pace, config, deadline=120)
        while not wait([measurement], timeout=0.05).done:
            measure.cancel()
    with pytest.raises(measure.BrokenOffError):
        measurement.result()
    assert measure.known(config) is None


def test_the_time_of_a_run_counts_steps_and_validations():
    config = replace(TINY, steps=100, eval_interval=50, eval_windows=12)
    # A validation reads 12 × 8 tokens, three steps' worth, forward only.
    assert Pace(0.5, 0).seconds(config) == pytest.approx(100 * 0.5 + 2 * 3 * 0.5 / 3)


def test_a_run_that_cannot_fit_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(estimate, "available_memory", lambda: 2_000_000_000)
    estimate.require_fit(TINY)
    with pytest.raises(ValueError, match=r"mostly for what a batch keeps, and 2\.0 GB are free"):
        estimate.require_fit(replace(TINY, model=WIDE, batch_size=512))
    with pytest.raises(ValueError, match=r"mostly for the weights.*fewer or narrower layers"):
        estimate.require_fit(TrainingConfig(GPTConfig(block_size=64), "text.txt", batch_size=1))


def test_a_machine_that_does_not_tell_its_memory_refuses_nothing(monkeypatch, tmp_path):
    assert estimate.available_memory(tmp_path) is None
    monkeypatch.setattr(estimate, "available_memory", lambda: None)
    estimate.require_fit(TrainingConfig(GPTConfig(n_layer=90), "text.txt"))


def test_free_memory_is_what_the_machine_says_is_available(machine):
    root, _ = machine
    assert estimate.available_memory(root) == 8000 * 1024


def test_a_container_s_limit_counts_with_what_is_used_of_it(machine):
    root, write = machine
    write("proc/self/cgroup", "0::/app/worker\n")
    write("sys/fs/cgroup/app/memory.max", "3000000\n")
    write("sys/fs/cgroup/app/memory.current", "1000000\n")
    write("sys/fs/cgroup/app/worker/memory.max", "max\n")
    write("sys/fs/cgroup/app/worker/memory.current", "900000\n")
    assert estimate.available_memory(root) == 2_000_000
    write("sys/fs/cgroup/app/memory.stat", "anon 5\ninactive_file 400000\n")
    assert estimate.available_memory(root) == 2_400_000, "files in memory make room when asked"


def test_the_limit_of_an_older_kind_of_container_counts_too(machine):
    root, write = machine
    write("proc/self/cgroup", "4:memory:/docker/abc\n3:cpuset:/docker/abc\n")
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n")
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000000\n")
    assert estimate.available_memory(root) == 1_000_000


def test_this_machine_tells_how_much_is_free():
    free = estimate.available_memory()
    assert free is None or 0 < free < 1e15
