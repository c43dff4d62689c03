"""The settings of a run as options of a command and as lines of a file."""

import argparse
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptviz.config import GPTConfig
from gptviz.quoting import quoted
from gptviz.setting import Setting
from gptviz.training.config import TrainingConfig
from gptviz.training.settings import DROPOUT, DROPOUTS, GROUPS, SETTINGS

DATA = Path(__file__).parent.parent / "data" / "shakespeare.txt"
# A run of which nobody says anything; the tokenizer will say how large the vocabulary is.
USUAL = TrainingConfig(
    GPTConfig(vocab_size=1, block_size=128, n_layer=4, n_head=4, n_embd=128), str(DATA)
)
NAMES = {**SETTINGS, DROPOUT.name: DROPOUT}
_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}


def add_options(command: argparse.ArgumentParser) -> None:
    """All settings, in groups with an example each."""
    usual = USUAL.values()
    for group in GROUPS:
        example = f"gptviz train --run checkpoints/mine {group.example}"
        options = command.add_argument_group(group.title, f"for example: {example}")
        for setting in group.settings:
            if setting.name == DROPOUTS[0]:
                add_option(options, DROPOUT, _shown(DROPOUT, usual[setting.name]))
            add_option(options, setting, _shown(setting, usual[setting.name]))


def add_option(options: argparse._ActionsContainer, setting: Setting, usual: str) -> None:
    """Make it an option, which is absent from the result where it is not typed.

    usual says what holds then.
    """
    words = " ".join(filter(None, (setting.sentence, setting.advice, _named(setting))))
    settled: dict[str, Any] = {
        "default": argparse.SUPPRESS,
        "help": f"{words} [{usual}]".replace("%", "%%"),
    }
    flag = f"--{setting.name.replace('_', '-')}"
    if setting.kind is bool:
        options.add_argument(flag, action=argparse.BooleanOptionalAction, **settled)
    elif setting.choices:
        options.add_argument(flag, choices=tuple(setting.choices), **settled)
    else:
        metavar = setting.unit.upper() or _METAVARS[setting.kind]
        options.add_argument(flag, type=setting.kind, metavar=metavar, **settled)


def _named(setting: Setting) -> str:
    named = ((value, words) for value, words in (setting.choices or {}).items() if value != words)
    return "; ".join(f"{value}: {words}" for value, words in named)


def _shown(setting: Setting, usual: Any) -> str:
    if setting.name == "data":
        return "the plays on board"
    if setting.kind is bool:
        return "yes" if usual else "no"
    return repr(usual).strip("'")


def chosen(options: argparse.Namespace, file: Path | None = None) -> dict[str, Any]:
    """Every setting: as typed, else as in the file, else as usual.

    Raises OSError or ValueError in words if the file cannot be used.
    """
    typed = {name: value for name, value in vars(options).items() if name in NAMES}
    of_file = _each(from_file(file)) if file else {}
    return {**USUAL.values(), "data": DATA, **of_file, **_each(typed)}


def _each(values: Mapping[str, Any]) -> dict[str, Any]:
    """With the three settings for which `dropout` stands, unless they are given themselves."""
    rest = dict(values)
    if DROPOUT.name not in rest:
        return rest
    dropout = rest.pop(DROPOUT.name)
    DROPOUT.check(dropout)
    return {**dict.fromkeys(DROPOUTS, dropout), **rest}


def from_file(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, named as the options; a path in it starts from its folder."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(f"there is no file {path}; check the path after --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML that can be read: {error}") from None
    found = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0)
            raise ValueError(f"{path}: there is no setting {quoted(key)}; the nearest is {near[0]}")
        found[name] = _of_file(NAMES[name], value, path)
    return found


def _of_file(setting: Setting, value: Any, path: Path) -> Any:
    try:
        setting.check(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if setting.kind is Path:
        return path.parent / value
    return float(value) if setting.kind is float else value


def training_config(settings: Mapping[str, Any], vocab_size: int) -> TrainingConfig:
    """The settings of a run whose tokenizer has that many tokens. Raises ValueError in words."""
    data = str(settings["data"].resolve())
    return USUAL.changed({**settings, "data": data, "vocab_size": vocab_size})
