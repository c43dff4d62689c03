"""Folders as `transformers` and others leave them: the same logits, or a sentence."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    GPT2Config,
    GPT2DoubleHeadsModel,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    GPT2Model,
)

import gptviz
from gptviz import checkpoints
from gptviz.tokenizers import CharacterTokenizer

SIZES = {"vocab_size": 7, "n_positions": 8, "n_embd": 8, "n_layer": 3, "n_head": 2}
IDS = [1, 2, 3, 0, 6]


@pytest.fixture
def theirs(tmp_path: Path) -> Callable[..., tuple[Path, GPT2Model]]:
    """Save a model of theirs with every parameter random; its folder and itself."""

    @torch.no_grad()
    def make(kind: type = GPT2LMHeadModel, **settings: object) -> tuple[Path, GPT2Model]:
        config = GPT2Config(**SIZES, **settings, pad_token_id=0, eos_token_id=0, bos_token_id=0)
        model = kind(config).eval()
        generator = torch.Generator().manual_seed(0)
        for parameter in model.parameters():
            parameter.normal_(generator=generator)
        model.save_pretrained(tmp_path)
        CharacterTokenizer("abcdefg").save(tmp_path)
        return tmp_path, model

    return make


def without_tokenizer(folder: Path) -> None:
    for name in ("characters.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)


def rename(folder: Path, change: Callable[[str], str]) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({change(name): t for name, t in tensors.items()}, folder / "model.safetensors")


@torch.no_grad()
def assert_same(folder: Path, model: GPT2Model) -> None:
    """Logits and hidden states, those of the cache and of a trace among them."""
    lm = gptviz.load(folder)
    body = model if isinstance(model, GPT2Model) else model.transformer
    right = body(torch.tensor([IDS])).last_hidden_state[0] @ body.wte.weight.T
    close = {"rtol": 1e-4, "atol": 1e-3}
    torch.testing.assert_close(lm.model(torch.tensor([IDS]))[0], right, **close)
    trace = lm.trace(IDS)
    torch.testing.assert_close(trace.logits, right, **close)
    torch.testing.assert_close(lm.next_logits(IDS), right[-1], **close)
    for layer in range(3):
        q, k, scores = (trace[f"h.{layer}.attn.{name}"] for name in ("q", "k", "scores"))
        again = lm.trace(IDS, [f"h.{layer}.attn.scores"])[f"h.{layer}.attn.scores"]
        divisor = lm.config.attn_divisor(layer)
        torch.testing.assert_close(scores[:, 4], (q @ k.mT / divisor)[:, 4])
        torch.testing.assert_close(again, scores)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_inner": 24},
        {"n_inner": 5, "activation_function": "relu"},
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_attn_weights": False},
        {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
        {"reorder_and_upcast_attn": True, "scale_attn_by_inverse_layer_idx": True},
        {"layer_norm_epsilon": 0.1, "activation_function": "gelu"},
    ],
    ids=str,
)
def test_every_setting_of_a_gpt2_gives_their_logits_and_survives_saving(theirs, settings, tmp_path):
    folder, model = theirs(**settings)
    assert_same(folder, model)
    lm = gptviz.load(folder)
    assert not lm.notes
    checkpoints.save(tmp_path / "again", lm.model, lm.tokenizer)
    again = GPT2LMHeadModel.from_pretrained(tmp_path / "again").eval()
    assert_same(tmp_path / "again", again)


def test_their_other_names_of_the_sizes(theirs):
    folder, model = theirs()
    values = json.loads((folder / "config.json").read_text())
    for also, name in GPT2Config.attribute_map.items():
        values[also] = values.pop(name)
    (folder / "config.json").write_text("\ufeff" + json.dumps(values), encoding="utf-8")
    assert_same(folder, model)


def test_two_names_that_disagree_are_named(theirs, change_config, refusal):
    folder, _ = theirs()
    change_config(folder, hidden_size=16)
    assert "sets n_embd to 8 and hidden_size, another name of it, to 16" in refusal(folder)


def test_a_setting_that_is_not_known_is_told(theirs, change_config):
    folder, _ = theirs()
    change_config(folder, rotary_dim=4, _private=1, transformers_version="9")
    assert "holds rotary_dim, which gptviz does not know" in " ".join(gptviz.load(folder).notes)


def test_a_number_of_heads_under_a_strange_name_is_not_replaced_by_gpt2s(theirs, refusal):
    folder, _ = theirs()
    values = json.loads((folder / "config.json").read_text())
    values["num_heads"] = values.pop("n_head")
    (folder / "config.json").write_text(json.dumps(values))
    assert "gives no n_head, and gptviz does not know its num_heads" in refusal(folder)


@pytest.mark.parametrize("kind", [GPT2ForSequenceClassification, GPT2DoubleHeadsModel])
def test_of_a_model_for_another_task_the_body_is_shown_and_that_is_told(theirs, kind):
    folder, model = theirs(kind)
    assert_same(folder, model)
    assert f"made for another task ({kind.__name__})" in gptviz.load(folder).notes[0]


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "model."])
def test_what_stood_around_the_model_when_it_was_saved(theirs, prefix):
    folder, model = theirs()
    rename(folder, lambda name: prefix + name)
    assert_same(folder, model)


def test_a_body_alone_and_the_old_names_of_norms(theirs):
    folder, model = theirs(GPT2Model)
    old = {"weight": "gamma", "bias": "beta"}

    def of_old(name: str) -> str:
        start, _, end = name.rpartition(".")
        return f"{start}.{old[end]}" if ".ln_" in f".{start}" else name

    rename(folder, of_old)
    assert_same(folder, model)


def test_biases_that_are_left_out_are_zeros_as_in_transformers(theirs):
    folder, _ = theirs()
    tensors = load_file(folder / "model.safetensors")
    left = {name: t for name, t in tensors.items() if not name.endswith(".bias")}
    assert len(left) < len(tensors)
    save_file(left, folder / "model.safetensors", {"format": "pt"})
    assert_same(folder, GPT2LMHeadModel.from_pretrained(folder).eval())


@pytest.mark.parametrize("letters", ["abcde", "abcdefghij"])
def test_a_vocabulary_may_be_larger_or_smaller_than_the_tokenizers(theirs, letters):
    folder, model = theirs()
    (folder / "generation_config.json").write_text('{"eos_token_id": null}')
    CharacterTokenizer(letters).save(folder)
    assert_same(folder, model)
    lm = gptviz.load(folder)
    assert len(list(lm.generate("abc", 20, seed=1))) == 20
    assert ("only 7" in " ".join(lm.notes)) == (len(letters) > 7)
    if len(letters) > 7:
        with pytest.raises(ValueError, match=r"token id 9 \(j\) is not in this model's vocabulary"):
            lm.trace("aj")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 9\n"


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "pytorch_model.bin",
        "config.json",
        "characters.json",
        "tokenizer.json",
        "vocab.json",
    ],
)
def test_a_git_lfs_pointer_is_called_one(theirs, refusal, name: str):
    folder, _ = theirs()
    if name == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
    if name in ("tokenizer.json", "vocab.json"):
        without_tokenizer(folder)
        (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / name).write_text(POINTER)
    assert f"{name} is a Git LFS pointer" in refusal(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such pipes")
@pytest.mark.parametrize(
    "name",
    ["config.json", "characters.json", "tokenizer.json", "vocab.json", "tokenizer_config.json"],
)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_not_opened(theirs, refusal, name: str, make):
    folder, _ = theirs()
    (folder / name).unlink(missing_ok=True)
    if name not in ("config.json", "characters.json"):
        without_tokenizer(folder)
        (folder / "merges.txt").write_text("#version: 0.2\n")
    if name == "tokenizer_config.json":
        (folder / "tokenizer.json").write_text("{}")
    make(folder / name)
    assert "is no ordinary file" in refusal(folder)


@pytest.mark.parametrize(
    ("generation", "config", "right"),
    [
        ({"eos_token_id": [2, 5]}, 1, {2, 5}),
        ({"eos_token_id": None}, 1, set()),
        (None, 3, {3}),
        (None, None, set()),
    ],
)
def test_what_ends_a_text_as_in_their_generate(theirs, change_config, generation, config, right):
    folder, _ = theirs()
    (folder / "generation_config.json").unlink(missing_ok=True)
    change_config(folder, eos_token_id=config)
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    assert gptviz.load(folder).end_ids == right
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    options = {"max_new_tokens": 7, "do_sample": False, "pad_token_id": 0}
    written = model.generate(torch.tensor([[1]]), **options)[0, 1:].tolist()
    ours = [step.id for step in gptviz.load(folder).generate([1], 7, temperature=0)]
    assert ours == written


@pytest.mark.parametrize("file", ["generation_config.json", "config.json"])
@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"do_sample": True, "max_length": 50}, "do_sample, max_length"),
        ({"stop_strings": ["ab"], "repetition_penalty": 1.2}, "repetition_penalty, stop_strings"),
        ({"suppress_tokens": [1], "min_length": 9}, "min_length, suppress_tokens"),
        # as transformers 3 wrote it all, and as the newest does
        ({"do_sample": False, "max_length": 20, "top_k": 50, "temperature": 1.0}, ""),
        ({"bos_token_id": 0, "_from_model_config": True, "transformers_version": "9"}, ""),
    ],
    ids=str,
)
def test_rules_of_writing_that_only_transformers_follows_are_named(
    theirs, change_config, file, asked, named
):
    folder, _ = theirs()
    (folder / "generation_config.json").unlink(missing_ok=True)
    if file == "config.json":
        change_config(folder, **asked)
    else:
        (folder / file).write_text(json.dumps(asked))
    told = [note for note in gptviz.load(folder).notes if file in note and "which" in note]
    assert [f"Its {file} sets {named}, by which" in note for note in told] == [True] * bool(named)
