"""What a run computes on, what it loads for that, and what it says where memory is short."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptviz.model import GPTConfig
from gptviz.training.config import TrainingConfig
from gptviz.training.devices import best_device, memory_in_words, smaller
from gptviz.training.devices import gaps_in_words as gaps
from gptviz.training.distributed import device_of_this_process
from gptviz.training.process_group import ALONE

TRAIN = """
import sys
from pathlib import Path
from gptviz.model import GPTConfig
from gptviz.training.config import TrainingConfig
from gptviz.runs import Run
from gptviz.jobs.worker import work

Path("text.txt").write_text("abcdefgh" * {repeats})
config = TrainingConfig(
    GPTConfig(8, {block_size}, 1, 2, {n_embd}), "text.txt", "char",
    batch_size={batch_size}, steps=4, eval_interval=2, eval_windows=1, precision="float32",
    sample_interval=2, sample_tokens=4,
)
run = Run.create(Path("run"), config)
"""
TINY = {"repeats": 100, "block_size": 8, "n_embd": 8, "batch_size": 2}


def config(batch_size: int, accumulation: int = 1, **shape: int) -> TrainingConfig:
    model = GPTConfig(**{"vocab_size": 8, "block_size": 64, "n_head": 2, "n_embd": 32, **shape})
    return TrainingConfig(model, "text.txt", batch_size=batch_size, accumulation=accumulation)


def test_a_run_by_itself_on_the_processor_loads_nothing_for_gpus_or_other_processes(python):
    work = """
work(run)
import torch.distributed
unused = ("triton", "torch._dynamo", "torch._inductor", "gptviz.training.distributed")
print(run.status["state"], [name for name in unused if name in sys.modules])
print(torch.cuda.is_initialized(), torch.distributed.is_initialized())
"""
    printed = python(TRAIN.format(**TINY) + work, CUDA_VISIBLE_DEVICES="")
    assert printed.splitlines()[-2:] == ["done []", "False False"]


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen", "in_a_group"),
    [
        (True, False, "cuda", "cuda"),
        (False, True, "mps", "cpu"),  # DistributedDataParallel cannot use Apple's
        (False, False, "cpu", "cpu"),
    ],
)
def test_the_quickest_device_there_is_is_chosen(monkeypatch, cuda, mps, chosen, in_a_group):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert best_device().type == ALONE.device().type == chosen
    assert device_of_this_process().type == in_a_group


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match=r"has 2 GPUs.*start with --nproc-per-node 2"):
        device_of_this_process()


def test_a_run_that_lacks_memory_keeps_its_checkpoint_and_says_what_to_change(python):
    # It takes two steps. Then there is room for the model, but not for one more step.
    work = """
work(run, should_stop=iter([False, True]).__next__)
import resource
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))
try:
    work(run)
except ValueError as error:
    print(run.status["state"], run.status["last_step"], run.checkpoints, run.status["error"])
    assert str(error) == run.status["error"]
"""
    large = {"repeats": 100, "block_size": 64, "n_embd": 64, "batch_size": 1024}
    assert python(TRAIN.format(**large) + work).splitlines()[-1] == (
        "failed 2 [2] the memory of this machine is too small for these settings: begin a run with "
        "batch_size 512 and accumulation 2, which learns the same in smaller parts; if even that "
        "is too much, block_size 32 instead of 64 or n_embd 32 instead of 64"
    )


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_every_device_s_way_to_say_that_memory_is_short_is_understood(error):
    with (
        pytest.raises(ValueError, match="too small for these settings: begin a run with batch"),
        memory_in_words(config(8)),
    ):
        raise error


def test_an_operator_that_apple_s_gpus_lack_is_told_with_the_way_out():
    theirs = (
        "The operator 'aten::_linalg_svd.U' is not currently implemented for the MPS device. If "
        "you want this op to be considered for addition please comment on https://github.com/"
        "pytorch/pytorch/issues/141287. As a temporary fix, you can set the environment variable "
        "`PYTORCH_ENABLE_MPS_FALLBACK=1` to use the CPU as a fallback for this op."
    )
    with pytest.raises(ValueError, match=r"aten::_linalg_svd\.U on Apple's GPUs") as told, gaps():
        raise NotImplementedError(theirs)
    assert "set the environment variable PYTORCH_ENABLE_MPS_FALLBACK=1 before" in str(told.value)
    with pytest.raises(NotImplementedError, match="something else"), gaps():
        raise NotImplementedError("something else")


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shapes differ"), memory_in_words(config(8)):
        raise RuntimeError("shapes differ")


@given(st.integers(1, 600), st.integers(1, 8), st.integers(1, 4))
def test_the_smaller_batch_adds_up_to_the_same(batch, accumulation, n_processes):
    batch *= n_processes
    words = smaller(config(batch, accumulation), n_processes)
    found = re.match(r"batch_size (\d+) and accumulation (\d+), ", words)
    if batch == n_processes:
        assert found is None
    else:
        size, times = map(int, found.groups())
        assert size < batch
        assert size % n_processes == 0
        assert size * times == batch * accumulation


def test_where_a_batch_cannot_be_divided_a_smaller_model_is_named():
    words = smaller(config(2, block_size=100, n_embd=30, n_head=3), n_processes=2)
    assert words == "block_size 50 instead of 100 or n_embd 15 instead of 30"
