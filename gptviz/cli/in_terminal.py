"""Train a run in this terminal, alone or with the other processes that torchrun started."""

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gptviz import system
from gptviz.cli import output
from gptviz.disk_errors import in_words

if TYPE_CHECKING:
    from gptviz.runs import Run
    from gptviz.training.process_group import ProcessGroup


def together(open_run: Callable[["ProcessGroup"], "Run"]) -> int:
    """Train a run in this process and in all others that torchrun started for it.

    The first one opens the run; the others do what it says. One of several processes ends here.
    """
    from gptviz.training.process_group import ALONE
    from gptviz.training.torchrun import join

    output.need_not_be_read()
    group = join()
    if group is ALONE:
        return lead(open_run(group), group)
    code = 130  # if Ctrl-C ends it at once
    try:
        with group:
            code = lead(open_run(group), group) if group.rank == 0 else assist(group)
    except (ValueError, OSError) as error:
        print(f"gptviz: {in_words(error)}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        pass
    return system.end(code)


def assist(group: "ProcessGroup") -> int:
    """Do what the first process says until the end."""
    from gptviz.training.distributed import DistributedGroup, follow

    assert isinstance(group, DistributedGroup)
    asked: list[int] = []
    for name in system.END_SIGNALS:
        signal.signal(name, lambda number, _: asked.append(number))
    follow(group, should_stop=lambda: bool(asked))
    return 0


def lead(run: "Run", group: "ProcessGroup") -> int:
    """Train with a progress bar; Ctrl-C and SIGTERM end it with a checkpoint."""
    from tqdm import tqdm

    from gptviz.disk import Tail
    from gptviz.jobs.worker import work
    from gptviz.runs import SAMPLES

    run.require_own()
    if run.status.get("state") == "done":
        print(
            f"{run.folder} is done, so there is nothing to go on with; for more steps: "
            f"gptviz resume {run.folder} --steps {2 * run.config.steps}"
        )
        return 0
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)
        os.write(2, b"\nstopping with a checkpoint; Ctrl-C ends at once, without one\n")

    for name in system.END_SIGNALS:
        signal.signal(name, ask)
    samples = Tail(run.folder / SAMPLES)
    samples.new()  # those of before are known
    new: list[str] = []  # what is to be told once, with the first step
    done = run.status.get("last_step", 0)
    with tqdm(total=run.config.steps, initial=done, unit="step", dynamic_ncols=True) as bar:

        def wait(ahead: int) -> None:
            runs = f"{ahead} more before it" if ahead else "it is next"
            bar.set_description_str(f"waiting for another run to end ({runs})")
            group.keep_waiting()

        def show_samples() -> None:
            for sample in samples.new()[1]:
                bar.write(f"step {sample['step']} writes: {sample['prompt']}{sample['text']}")

        def show(row: dict[str, Any]) -> None:
            if not new:
                new.extend(beginning(run, row["step"]))
                for words in new:
                    bar.write(words)
            bar.set_description_str("", refresh=False)
            bar.update(row["step"] - bar.n)
            bar.set_postfix(loss=f"{row['train_loss']:.3f}", refresh=False)
            if "val_loss" in row:
                bar.write(f"step {row['step']}: validation loss {row['val_loss']:.4f} nats a token")
            if run.config.sample_interval:
                show_samples()

        work(run, on_step=show, should_stop=lambda: bool(asked), on_wait=wait, group=group)
        show_samples()
    tell_the_end(run)
    return 0


def beginning(run: "Run", step: int) -> list[str]:
    """How often a run passes its text, how it computes, and when it ends early, in sentences.

    step is the first that this process takes; before that of a new run, several ways were tried.
    """
    from gptviz.training import patience, way

    config, status = run.config, run.status
    passes = config.passes(status["train_tokens"])
    told = [
        f"all {config.steps:,} steps pass the {status['train_tokens']:,} tokens of its text "
        f"{passes:.2g} times",
        way.in_words(status),
        *(f"tried: {trial}" for trial in way.of_run(status)[1] if step == 1),
        patience.waits(run),
    ]
    return [f"gptviz: {words}" for words in told if words]


def tell_the_end(run: "Run") -> None:
    """What became of the run, in a sentence on the terminal."""
    from gptviz.training import patience

    status = run.status
    if status.get("state") != "done":
        kept = "with a checkpoint" if "last_step" in status else "before its first step"
        print(f"{status.get('state')} {kept}; go on with: gptviz resume {run.folder}")
    elif status.get("stopped_early"):
        print(f"done: it {patience.ended_early(run)}, at {run.folder}")
    if warning := status.get("warning"):
        print(f"gptviz: {warning}", file=sys.stderr)
