"""One table describes every setting: nothing is left out, and everything else is made of it."""

import argparse
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from gptviz.cli import main, parser, settings
from gptviz.config import GPTConfig
from gptviz.setting import Setting
from gptviz.shape import VOCAB_SIZE
from gptviz.training.config import TrainingConfig
from gptviz.training.settings import DERIVED, DROPOUT, GROUPS, OF_THE_MODEL, SETTINGS

EVERY = [*SETTINGS.values(), DROPOUT]
each = pytest.mark.parametrize("setting", EVERY, ids=lambda setting: setting.name)


def another(setting: Setting, usual: object) -> object:
    """A value that it takes, other than the usual one."""
    if setting.choices:
        return next(value for value in setting.choices if value != usual)
    if setting.kind is int:
        return usual + 1
    if setting.kind is float:
        return 0.75 if usual == 0.5 else 0.5
    return {bool: not usual, str: 'a "quoted" text\n', Path: "poems.txt"}[setting.kind]


def test_every_field_of_a_run_and_of_its_model_is_in_the_table_but_what_others_decide():
    of_the_run = {field.name for field in fields(TrainingConfig)}
    of_the_model = {field.name for field in fields(GPTConfig)}
    assert of_the_run | of_the_model == set(SETTINGS) | set(DERIVED)
    assert not set(SETTINGS) & set(DERIVED)
    assert of_the_model - set(DERIVED) == OF_THE_MODEL


def test_what_nobody_sets_has_a_reason():
    assert set(DERIVED) == {
        *("model", "vocab_size", "n_inner"),
        *("scale_attn_weights", "scale_attn_by_inverse_layer_idx"),
    }
    assert all(DERIVED.values())


@pytest.mark.parametrize("holder", [TrainingConfig, GPTConfig])
def test_kinds_and_choices_are_those_of_the_fields(holder: type):
    for name, hint in get_type_hints(holder).items():
        setting = VOCAB_SIZE if name == "vocab_size" else SETTINGS.get(name)
        if get_origin(hint) is Literal:
            assert set(setting.choices) == set(get_args(hint)), name
        elif name == "data":
            assert setting.kind is Path
        elif setting:
            assert (setting.kind, setting.choices) == (hint, None), name


@each
def test_a_setting_is_explained_in_sentences(setting: Setting):
    assert setting.label
    for words in filter(None, (setting.sentence, setting.advice)):
        assert words[0].isupper() or words[0].isdigit()
        assert words.endswith(".")


def test_no_two_settings_that_stand_together_have_one_label():
    for group in GROUPS:
        labels = [setting.label for setting in group.settings]
        assert len(set(labels)) == len(labels)


def test_gradients_of_several_batches_are_said_to_be_averaged():
    assert "averaged" in SETTINGS["accumulation"].sentence


# The command


def test_the_help_explains_every_setting_with_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    usual = {**settings.USUAL.values(), "dropout": settings.USUAL.model.embd_pdrop}
    for setting in EVERY:
        default = usual[setting.name]
        shown = repr(default).strip("'")
        if setting.name == "data":
            shown = "the plays on board"
        elif setting.kind is bool:
            shown = "yes" if default else "no"
        choices = (setting.choices or {}).items()
        named = (f"{value}: {words}" for value, words in choices if value != words)
        words = [setting.sentence, setting.advice, *named]
        flag = f"--{setting.name.replace('_', '-')}"
        pattern = ".*?".join(re.escape(word) for word in [flag, *filter(None, words), f"[{shown}]"])
        assert re.search(pattern, told), setting.name


def test_the_command_begins_with_the_defaults_of_a_run():
    options = parser().parse_args(["train", "--run", "x"])
    chosen = settings.chosen(options)
    assert settings.training_config(chosen, vocab_size=1) == settings.USUAL
    defaults = {
        f.name: f.default for f in fields(TrainingConfig) if f.name not in ("model", "data")
    }
    assert {name: chosen[name] for name in defaults} == defaults


@each
def test_a_setting_can_stand_in_a_file(setting: Setting, tmp_path: Path):
    usual = settings.USUAL.values().get(setting.name, 0.1)
    value = another(setting, usual)
    path = tmp_path / "run.toml"
    path.write_text(f"{setting.name} = {json.dumps(value)}\n", encoding="utf-8")
    chosen = settings.chosen(argparse.Namespace(), path)
    name = "attn_pdrop" if setting is DROPOUT else setting.name
    expected = tmp_path / "poems.txt" if setting.name == "data" else value
    assert chosen[name] == expected != usual
    settings.from_file(path)
