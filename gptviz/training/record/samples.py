"""What the model writes at some steps of a run, after the same prompt each time.

RUN/samples.jsonl   {"step", "prompt", "text"}
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gptviz.disk import Row, append_row, drop_rows_after, rows
from gptviz.runs import SAMPLES, Run
from gptviz.setting import SettingError
from gptviz.training.record.observer import Observer, warn_if_unwritten

if TYPE_CHECKING:
    from gptviz.model import GPT
    from gptviz.tokenizers import Tokenizer
    from gptviz.training.config import TrainingConfig

TEMPERATURE, TOP_K = 0.8, 40
USUAL_PROMPT = "\n"


class Samples(Observer):
    """Lets the model write every `sample_interval` steps, at the last step, and at a stop.

    Always with the same random numbers, so that the texts compare.
    """

    def __init__(self, run: Run, model: "GPT", tokenizer: "Tokenizer"):
        self.run, self.model, self.tokenizer = run, model, tokenizer
        self.path = run.folder / SAMPLES
        self.interval = run.config.sample_interval
        self.prompt = prompt_ids(tokenizer, run.config.sample_prompt)
        self.last = -1  # the step of the last sample

    def started(self, step: int) -> None:
        drop_rows_after(self.path, step or -1)
        self.last = max((row["step"] for row in read(self.run.folder)), default=-1)
        if self.interval and step == 0:
            self.write(0)

    def step_done(self, row: Row) -> None:
        step = row["step"]
        if self.interval and (step % self.interval == 0 or step == self.run.config.steps):
            self.write(step)

    def stopped(self, step: int) -> None:
        if self.interval and step != self.last:
            self.write(step)

    def write(self, step: int) -> None:
        """Add what the model writes now."""
        self.last, config = step, self.run.config
        text = sample_text(
            self.model, self.tokenizer, self.prompt, config.sample_tokens, config.seed
        )
        with warn_if_unwritten(self.run, f"the row of step {step} in {SAMPLES}"):
            prompt = self.tokenizer.decode(self.prompt)
            append_row(self.path, {"step": step, "prompt": prompt, "text": text})


def read(folder: Path) -> list[Row]:
    """The samples of the run in a folder so far, as rows to be read and not changed."""
    return rows(folder / SAMPLES)


def require_prompt(config: "TrainingConfig", tokenizer: "Tokenizer") -> None:
    """Raise SettingError for a prompt of samples that the tokenizer of a run cannot write.

    The usual line break, which asks for nothing, is left out where a text has none.
    """
    if not config.sample_interval or config.sample_prompt == USUAL_PROMPT:
        return
    try:
        tokenizer.encode(config.sample_prompt)
    except ValueError as error:
        raise SettingError(
            f"{{sample_prompt}} cannot begin the samples: {error}".replace(
                "choose another tokenizer", "train with a BPE, which can write any text"
            )
        ) from error


def prompt_ids(tokenizer: "Tokenizer", prompt: str) -> list[int]:
    """The tokens that samples begin with; the vocabulary's first if it cannot write the prompt."""
    with suppress(ValueError):
        if ids := tokenizer.encode(prompt):
            return ids
    return [0]


def sample_text(
    model: "GPT", tokenizer: "Tokenizer", prompt: list[int], n_tokens: int, seed: int
) -> str:
    """What a model in training writes after a prompt, at temperature 0.8 from the 40 likeliest."""
    from gptviz import generation  # needs PyTorch, which those who read samples do not
    from gptviz.sampling import SamplingSettings

    training, settings = model.training, SamplingSettings(TEMPERATURE, TOP_K)
    model.eval()
    try:
        end = tokenizer.end_of_text
        ends = () if end is None else (end,)
        steps = generation.generate(model, tokenizer, prompt, n_tokens, settings, seed, (), ends)
        ids = [step.id for step in steps]
    finally:
        model.train(training)
    # A model may have room for more tokens than its tokenizer knows.
    return tokenizer.decode([token for token in ids if token < tokenizer.vocab_size])
