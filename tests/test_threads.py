"""Many threads look into one shared model, and each sees its own run and no other's.

Python switches threads when it likes, so a race may hide in a test that only hopes for it. Here
a hook lets all threads meet at each layer: each is in the middle of its run while all others are.
The naive way to trace is put through the same test, to show that the test would notice.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

V, CONTEXT, LAYERS = 17, 32, 3
CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")
PROMPTS = ["abc", "cab", "ponm", "e", "gg gg", "fabled", "a moon"]
PLACES = ["embed", *(f"h.{i}" for i in range(LAYERS)), "ln_f", "logits"]
LONGEST_WAIT = 60  # seconds; a test that would hang fails instead

Traced = Mapping[str, Tensor]


@torch.no_grad()
def language_model() -> LanguageModel:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(V, CONTEXT, LAYERS, 2, 8), generator)
    for parameter in model.parameters():
        parameter.normal_(std=0.4, generator=generator)
    return LanguageModel(model, CHARACTERS, "tiny", "tiny")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model()


def in_threads(jobs: list[Callable[[], object]]) -> list[object]:
    """What each job returns, all begun at once; the first exception of any is raised."""
    results: list[object] = [None] * len(jobs)
    errors: list[BaseException] = []
    start = threading.Barrier(len(jobs))

    def work(i: int) -> None:
        try:
            start.wait(LONGEST_WAIT)
            results[i] = jobs[i]()
        except BaseException as error:  # handed to the thread that asked
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_WAIT)
    if errors:
        raise errors[0]
    return results


@contextmanager
def meeting(lm: LanguageModel, n: int, places: list[str] = PLACES) -> Iterator[None]:
    """Within this, a run goes on after each of these places only when n runs have come to it."""
    barrier = threading.Barrier(n)

    def meet(*_: object) -> None:
        barrier.wait(LONGEST_WAIT)

    hooks = [lm.model.get_submodule(place).register_forward_hook(meet) for place in places]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def differing(found: list[Traced], alone: list[Traced]) -> int:
    """How many of the traces are not, bit for bit, what the same prompt gives alone."""
    return sum(
        not all(torch.equal(a[name], b[name]) for name in b)
        for a, b in zip(found, alone, strict=True)
    )


def register_run_remove(lm: LanguageModel, prompt: str) -> Traced:
    """How activations are often recorded: hooks for the time of one run. Not for many threads."""
    kept = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: object, _inputs: object, output: Tensor) -> None:
            kept[name] = output[0]

        return hook

    names = [f"h.{i}" for i in range(LAYERS)]
    hooks = [lm.model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    with torch.inference_mode():
        lm.model(torch.tensor([lm.ids(prompt)]))
    for hook in hooks:
        hook.remove()
    return kept


def traced_together(lm: LanguageModel, trace: Callable[[str], Traced]) -> int:
    """How many traces go wrong when all are made at once, layer by layer."""
    alone = [trace(prompt) for prompt in PROMPTS]
    with meeting(lm, len(PROMPTS)):
        found = in_threads([lambda prompt=prompt: trace(prompt) for prompt in PROMPTS])
    return differing(found, alone)


def test_each_thread_sees_only_its_own_activations(lm):
    assert traced_together(lm, lm.trace) == 0


def test_this_test_notices_hooks_that_are_registered_for_each_run(lm):
    # All hooks hear all runs, so at each layer all threads keep what the last one computed.
    assert traced_together(lm, lambda prompt: register_run_remove(lm, prompt)) > 0


def test_an_edit_changes_the_run_of_its_own_thread_alone(lm):
    def edited(prompt: str) -> Traced:
        return lm.trace(prompt, edits={"h.1.attn": torch.zeros_like})

    def half_of_them(prompt: str) -> Traced:
        return (edited if PROMPTS.index(prompt) % 2 else lm.trace)(prompt)

    assert not torch.equal(edited(PROMPTS[0]).logits, lm.trace(PROMPTS[0]).logits)
    assert traced_together(lm, half_of_them) == 0


def test_an_edit_that_fails_disturbs_no_other_thread(lm):
    alone = [lm.trace(prompt) for prompt in PROMPTS]

    def fail(_: Tensor) -> Tensor:
        raise LookupError("from the edit")

    def failing() -> str:
        with pytest.raises(LookupError):
            lm.trace("abc", edits={"logits": fail})
        return "failed"

    jobs = [failing, *(lambda prompt=prompt: lm.trace(prompt) for prompt in PROMPTS)]
    with meeting(lm, len(jobs), PLACES[:-1]):
        first, *found = in_threads(jobs)
    assert first == "failed"
    assert differing(found, alone) == 0


def test_names_chosen_in_one_thread_are_recorded_in_no_other(lm):
    chosen = [["logits"], ["h.*"], [], ["h.0.attn.pattern"], None]

    def names_of(names: list[str] | None) -> list[str]:
        return list(lm.trace("abc", names=names))

    alone = [names_of(names) for names in chosen]
    with meeting(lm, len(chosen), PLACES[:-1]):  # not all of them ask for logits
        assert in_threads([lambda names=names: names_of(names) for names in chosen]) == alone


def test_tracing_and_generating_at_once_give_what_each_gives_alone(lm):
    def traced(prompt: str, seed: int) -> Callable[[], list[Tensor]]:
        edits = {"h.*.mlp": lambda x: x * seed} if seed % 2 else None
        return lambda: list(lm.trace(prompt, edits=edits).values())

    def written(prompt: str, seed: int) -> Callable[[], list[Tensor]]:
        def job() -> list[Tensor]:
            return [step.probabilities for step in lm.generate(prompt, 40, seed=seed, top_k=9)]

        return job

    random.seed(0)
    jobs = [kind(p, seed) for p in PROMPTS for seed in range(4) for kind in (traced, written)]
    random.shuffle(jobs)
    alone = [job() for job in jobs]

    def some_jobs(part: int) -> Callable[[], list[list[Tensor]]]:
        return lambda: [job() for job in jobs[part::8]]

    found = in_threads([some_jobs(part) for part in range(8)])
    for part in range(8):
        for tensors, expected in zip(found[part], alone[part::8], strict=True):
            assert all(map(torch.equal, tensors, expected))


def test_a_suspended_generator_records_nothing(lm):
    alone = lm.trace("abc")
    text_alone = [step.id for step in lm.generate("ponm", 12, seed=1)]
    steps = lm.generate("ponm", 12, seed=1)
    text = [next(steps).id, next(steps).id]

    between = lm.trace("abc")

    assert differing([between], [alone]) == 0
    assert between["h.0"].shape == alone["h.0"].shape
    text += [step.id for step in steps]
    assert text == text_alone


def test_a_generator_that_one_thread_began_another_can_end(lm):
    text_alone = [step.id for step in lm.generate("ponm", 12, seed=1)]
    steps = lm.generate("ponm", 12, seed=1)
    text = [next(steps).id]
    alone = lm.trace("abc")
    rest, trace = in_threads([lambda: [step.id for step in steps], lambda: lm.trace("abc")])
    assert text + rest == text_alone
    assert differing([trace], [alone]) == 0
