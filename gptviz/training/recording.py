"""What a run writes down beside its metrics, for those who watch it learn.

    RUN/samples.jsonl     {"step", "prompt", "text"}: what the model writes after the prompt
    RUN/layers.jsonl      {"step", "grad_norm", "weight_norm", "update_ratio"}: {group: number}
    RUN/induction.jsonl   {"step", "scores", "loss_first", "loss_second"}, at each snapshot
    RUN/snapshots/        see gptviz.training.snapshots

The loop calls a Recorder so; a step's number is the one that metrics.jsonl gives it, from 1 on:

    recorder = Recorder(run, model, tokenizer)
    recorder.forget_after(last_step)         # of a resumed run; -1 for a new one
    if last_step == -1: recorder.end_of_step(0)  # the model that has not learned anything
    each step: loss.backward(), recorder.after_backward(step), clip the gradient,
               recorder.before_update(step), optimizer.step(), recorder.after_update(step),
               write the row of metrics, recorder.end_of_step(step)
    recorder.end(step)                       # where the run stops before its last step

Nothing here draws from the process's random numbers or changes the model, so a run learns the
same with it and without. What cannot be written, as on a full disk, is told once in the status,
and training goes on.
"""

from contextlib import suppress
from typing import Any

from torch import Tensor

from gptviz import generation
from gptviz.analysis.induction import induction_scores
from gptviz.checkpoints.weights import unfilled
from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.sampling import SamplingSettings
from gptviz.tokenizers import Tokenizer
from gptviz.training import jsonl, snapshots
from gptviz.training.files import append_row, drop_rows_after
from gptviz.training.layers import LayerNorms
from gptviz.training.runs import INDUCTION, LAYERS, SAMPLES, Run

SAMPLING = SamplingSettings(temperature=0.8, top_k=40)


class Recorder:
    """Writes down what is due at each step of a run."""

    def __init__(self, run: Run, model: GPT, tokenizer: Tokenizer):
        self.run, self.model, self.tokenizer = run, model, tokenizer
        self.config = run.config
        self.prompt = prompt_ids(tokenizer, self.config.sample_prompt)
        self.n_snapshots = snapshots.fitting(self.config.snapshots, model)
        self.plan = set(snapshots.snapshot_steps(self.config.steps, self.n_snapshots))
        self.norms = LayerNorms(model)
        self.sampled_at = self.snapshot_at = -1
        self.warned = False

    def forget_after(self, step: int) -> None:
        """Drop what was written of later steps, which are taken again."""
        for name in (SAMPLES, LAYERS, INDUCTION):
            drop_rows_after(self.run.folder / name, step)
        snapshots.forget_after(self.run, step)
        # What is left is not written a second time if the run ends where it is.
        samples = jsonl.rows(self.run.folder / SAMPLES)
        self.sampled_at = max((row["step"] for row in samples), default=-1)
        self.snapshot_at = max(self.run.snapshots, default=-1)

    def after_backward(self, step: int) -> None:
        """Measure the gradient, before it is clipped."""
        if self.detailed(step):
            self.norms.measure_gradient()

    def before_update(self, step: int) -> None:
        """Keep the weights to compare them with what the step makes of them."""
        if self.detailed(step):
            self.norms.keep_weights()

    def after_update(self, step: int) -> None:
        """Measure how far the step moved the weights."""
        if self.detailed(step):
            self.norms.measure_update()

    def end_of_step(self, step: int) -> None:
        """Write what is due: a row of norms, a sample, a snapshot with its induction scores."""
        last = step == self.config.steps
        if self.detailed(step):
            self.write(LAYERS, {"step": step, **self.norms.rows()})
        interval = self.config.sample_interval
        if interval and (last or step % interval == 0):
            self.sample(step)
        if step in self.plan:
            self.snapshot(step)

    def end(self, step: int) -> None:
        """The run stops here, maybe for good: write a sample and a snapshot of how it ended."""
        if self.config.sample_interval and self.sampled_at != step:
            self.sample(step)
        if self.plan and self.snapshot_at != step:
            self.snapshot(step)

    def detailed(self, step: int) -> bool:
        """Whether a step's norms are measured: the first one's, and those at the interval."""
        interval = self.config.detail_interval
        return step > 0 and interval > 0 and (step == 1 or step % interval == 0)

    def sample(self, step: int) -> None:
        """Let the model write: at each step with the same random numbers, so that texts compare."""
        self.sampled_at = step
        text = sample_text(
            self.model, self.tokenizer, self.prompt, self.config.sample_tokens, self.config.seed
        )
        row = {"step": step, "prompt": self.tokenizer.decode(self.prompt), "text": text}
        self.write(SAMPLES, row)

    def snapshot(self, step: int) -> None:
        """Save the model as it is, and look for induction heads in it."""
        self.snapshot_at = step
        try:
            snapshots.save(self.run, step, self.model, self.tokenizer)
            snapshots.thin(self.run, self.n_snapshots)
        except OSError as error:
            self.warn(f"the snapshot of step {step}", error)
        with suppress(ValueError):  # too small a model to have any
            scores = induction_scores(view(self.model, self.tokenizer))
            losses = {"loss_first": scores.loss_first, "loss_second": scores.loss_second}
            self.write(INDUCTION, {"step": step, "scores": scores.heads, **losses})

    def write(self, name: str, row: dict[str, Any]) -> None:
        """Add a row to a file of the run, or warn."""
        try:
            append_row(self.run.folder / name, row)
        except OSError as error:
            self.warn(f"the row of step {row['step']} in {name}", error)

    def warn(self, what: str, error: OSError) -> None:
        """Say in the status, once, what could not be written."""
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        warning = (
            f"{what} could not be written ({getattr(cause, 'strerror', None) or cause}); training "
            f"goes on, and what was written before is kept, so make room"
        )
        if not self.warned:
            with suppress(OSError):  # the disk that is full
                self.run.update_status({"warning": warning})
                self.warned = True


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """The tokens from which samples go on; the vocabulary's first where it lacks the prompt's."""
    with suppress(ValueError):
        if ids := tokenizer.encode(prompt):
            return ids
    return [0]


def sample_text(
    model: GPT, tokenizer: Tokenizer, prompt: list[int], n_tokens: int, seed: int
) -> str:
    """What a model in training writes after a prompt, at temperature 0.8 from the 40 likeliest."""
    training = model.training
    model.eval()
    try:
        steps = generation.generate(model, tokenizer, prompt, n_tokens, SAMPLING, seed, ())
        ids = [step.id for step in steps]
    finally:
        model.train(training)
    # A model may have room for more tokens than its tokenizer knows.
    return tokenizer.decode([token for token in ids if token < tokenizer.vocab_size])


def view(model: GPT, tokenizer: Tokenizer) -> LanguageModel:
    """A model in training as one that can be traced: a second one that holds the same weights."""
    same: dict[str, Tensor] = model.state_dict()
    twin = unfilled(model.config)
    twin.load_state_dict(same, assign=True)
    return LanguageModel(twin, tokenizer, "training", "training")
