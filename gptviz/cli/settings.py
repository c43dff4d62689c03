"""The settings of a run as options of a command and as lines of a file."""

import argparse
import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig

DATA = Path(__file__).parent.parent / "data" / "shakespeare.txt"


@dataclass(frozen=True)
class Setting:
    """A setting: its name as in TrainingConfig or GPTConfig, what it is if nobody says, help."""

    name: str
    default: Any
    words: str
    choices: tuple[str, ...] | None = None

    @property
    def flag(self) -> str:
        """As it is typed."""
        return f"--{self.name.replace('_', '-')}"

    def add(self, group: argparse._ArgumentGroup) -> None:
        """Make it an option, which is absent from the result where it is not typed."""
        if isinstance(self.default, bool):
            group.add_argument(
                self.flag,
                action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS,
                help=f"{self.words} [{'yes' if self.default else 'no'}]",
            )
            return
        shown = "the plays on board" if self.name == "data" else repr(self.default).strip("'")
        group.add_argument(
            self.flag,
            type=type(self.default) if self.name != "data" else Path,
            choices=self.choices,
            default=argparse.SUPPRESS,
            metavar=None if self.choices else _METAVARS[type(self.default)],
            help=f"{self.words} [{shown}]",
        )

    def checked(self, value: Any, where: Path) -> Any:
        """A value from a file. Raises ValueError if it is of another kind or no choice."""
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if self.name == "data" and isinstance(value, str):
            return where.parent / value
        if type(value) is not kind:
            raise ValueError(f"{where}: {self.name} is {value!r}; it must be {_KINDS[kind]}")
        if self.choices and value not in self.choices:
            raise ValueError(
                f"{where}: {self.name} is {value!r}; it must be one of {', '.join(self.choices)}"
            )
        return value


_PATH = type(DATA)
_METAVARS = {int: "N", float: "X", str: "TEXT", _PATH: "PATH"}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    _PATH: "a path",
}

GROUPS: dict[tuple[str, str], tuple[Setting, ...]] = {
    (
        "the text",
        "gptviz train --run checkpoints/poems --data poems.txt --tokenizer bpe",
    ): (
        Setting("data", DATA, "a text in UTF-8, or a folder made by gptviz prepare"),
        Setting(
            "tokenizer",
            "char",
            "char: one token a character, good for small models; bpe: parts of words, learnt from "
            "the text; gpt2: the 50,257 tokens of GPT-2, for large models and much English text",
            ("char", "gpt2", "bpe"),
        ),
        Setting("bpe_vocab_size", 2048, "tokens of a bpe; 512 to 8192 suit texts up to 10 MB"),
        Setting(
            "line_start_share",
            0.0,
            "share of the windows that begin where a line begins, as what people type does; 0 to 1",
        ),
        Setting("end_of_text", False, "read <|endoftext|> between two texts as that token"),
    ),
    (
        "the model",
        "gptviz train --run checkpoints/deep --n-layer 6 --n-head 6 --n-embd 192",
    ): (
        Setting("n_layer", 4, "blocks; 2 to 6 learn in minutes on a processor"),
        Setting("n_head", 4, "attention heads in a block; must divide the width"),
        Setting("n_embd", 128, "width: numbers that stand for one token; 64 to 384"),
        Setting("block_size", 128, "context: tokens read at once; 64 to 256"),
        Setting("dropout", 0.1, "share of numbers left out while learning; 0 for a long text"),
        Setting(
            "norm",
            "pre",
            "where layer norms stand: pre is GPT-2's; post and none are harder to train",
            ("pre", "post", "none"),
        ),
        Setting(
            "position",
            "learned",
            "how the model knows where a token stands; none shows what that costs",
            ("learned", "sinusoidal", "none"),
        ),
    ),
    (
        "learning",
        "gptviz train --run checkpoints/slow --steps 5000 --learning-rate 3e-4 --schedule linear",
    ): (
        Setting("steps", 1000, "corrections of the weights; 1000 to 5000 for a small model"),
        Setting("batch_size", 16, "texts read side by side; 8 to 64"),
        Setting("accumulation", 1, "batches added up before a correction, if memory is short"),
        Setting("learning_rate", 1e-3, "the highest rate; 1e-3 for small models, 3e-4 for large"),
        Setting("min_learning_rate", 1e-4, "the rate at the end; a tenth of the highest"),
        Setting("warmup_steps", 50, "steps until the rate is at its highest; 2 to 10 in a hundred"),
        Setting(
            "schedule",
            "cosine",
            "how the rate falls after the warm-up",
            ("cosine", "linear", "constant"),
        ),
        Setting(
            "optimizer",
            "adamw",
            "muon learns more a step and takes longer for it; worth trying from width 256 on",
            ("adamw", "muon"),
        ),
        Setting("weight_decay", 0.1, "how strongly matrices are pulled to 0; 0 to 0.2"),
        Setting("beta1", 0.9, "how long AdamW remembers the gradient's direction"),
        Setting("beta2", 0.99, "and how long its size; 0.95 to 0.999"),
        Setting("gradient_clip", 1.0, "longest gradient that is followed; a longer one is cut"),
        Setting(
            "precision",
            "auto",
            "of the large products; auto measures what is quicker here",
            ("auto", "float32", "bfloat16"),
        ),
        Setting(
            "copy_steps",
            0,
            "steps at the beginning that only practise copying, on random tokens said again and "
            "again: 500 to 1000 make induction heads in a model that would not get them by itself",
        ),
        Setting(
            "repeat_share",
            0.0,
            "share of the windows that go on with that later; they count in the training loss, not "
            "in the validation loss; 0.1 to 0.3",
        ),
        Setting(
            "guide_previous",
            0.0,
            "how strongly the loss pays one head of the first layer for looking at the token "
            "before, of which copying makes use; 0: not at all; 0.1 is enough",
        ),
        Setting(
            "vocab_sample",
            0,
            "tokens among which a step's loss looks for the right one, half the commonest and half "
            "drawn anew each time; 0: all; 4096 to 8192 make gpt2's vocabulary twice as fast",
        ),
        Setting("seed", 0, "the same seed gives the same run"),
    ),
    (
        "watching",
        "gptviz train --run checkpoints/watched --sample-interval 100 --patience 5",
    ): (
        Setting("eval_interval", 50, "steps between two validations, each with a checkpoint"),
        Setting("eval_windows", 64, "windows of held-out text that a validation reads"),
        Setting("patience", 0, "validations without a new best after which to end; 0: never"),
        Setting("sample_interval", 0, "steps between two sample texts; 0: none"),
        Setting("sample_prompt", "\n", "how a sample begins"),
        Setting("sample_tokens", 120, "tokens of a sample"),
        Setting("snapshots", 24, "models kept along the way, for the time machine; 0: none"),
        Setting("detail_interval", 10, "steps between two rows of norms a layer; 0: none"),
    ),
}
SETTINGS = {setting.name: setting for group in GROUPS.values() for setting in group}
OF_THE_MODEL = ("n_layer", "n_head", "n_embd", "block_size", "norm", "position")


def add_options(command: argparse.ArgumentParser) -> None:
    """All settings, in groups with an example each."""
    for (title, example), settings in GROUPS.items():
        group = command.add_argument_group(title, f"for example: {example}")
        for setting in settings:
            setting.add(group)


def chosen(options: argparse.Namespace, file: Path | None = None) -> dict[str, Any]:
    """Every setting: as typed, else as in the file, else as usual.

    Raises OSError or ValueError in words if the file cannot be used.
    """
    usual = {name: setting.default for name, setting in SETTINGS.items()}
    typed = {name: value for name, value in vars(options).items() if name in SETTINGS}
    return {**usual, **(from_file(file) if file else {}), **typed}


def from_file(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, named as the options; a path in it starts from its folder."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(f"there is no file {path}; check the path after --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML that can be read: {error}") from None
    found = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0)
            raise ValueError(f"{path}: there is no setting {key!r}; the nearest is {near[0]}")
        found[name] = SETTINGS[name].checked(value, path)
    return found


def training_config(settings: Mapping[str, Any], vocab_size: int) -> "TrainingConfig":
    """The settings of a run whose tokenizer has that many tokens. Raises ValueError in words."""
    from gptviz.config import GPTConfig
    from gptviz.training.config import TrainingConfig

    rest = dict(settings)
    of_the_model = {name: rest.pop(name) for name in OF_THE_MODEL}
    dropout = rest.pop("dropout")
    model = GPTConfig(
        vocab_size=vocab_size,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        resid_pdrop=dropout,
        **of_the_model,
    )
    return TrainingConfig(model=model, **{**rest, "data": str(rest["data"].resolve())})
