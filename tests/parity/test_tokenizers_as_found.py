"""A tokenizer's files in every combination, held against AutoTokenizer on the same folder."""

import json
from itertools import product
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from gptviz.tokenizers import GPT2Tokenizer, load
from gptviz.tokenizers.trained import train_bpe

TEXTS = [
    "Hello world",
    "the covfefe",
    " the<user> cat</s> covfefe<pad>",
    "<s>the cat sat<|endoftext|>",
]
CONFIGS = [
    None,
    {"tokenizer_class": "GPT2Tokenizer"},
    {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True},
    {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True, "pad_token": "<pad>"},
    {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"},
    {"tokenizer_class": "GPT2Tokenizer", "additional_special_tokens": ["<user>"]},
    {
        "tokenizer_class": "GPT2Tokenizer",
        "added_tokens_decoder": {
            "269": {"content": "<|endoftext|>", "special": True, "normalized": False},
            "270": {"content": "<user>", "special": True, "normalized": False},
            "271": {"content": "covfefe", "lstrip": True, "special": False},
        },
    },
]
SPECIAL = [None, {"eos_token": "</s>", "pad_token": {"content": "<pad>", "lstrip": True}}]
ADDED = [None, {"covfefe": 270}, {"<user>": 271, "covfefe": 270}]


@pytest.fixture(scope="module")
def trained():
    return train_bpe(["the cat sat on the mat with the other cat and the hat " * 9], 270)


def write(folder: Path, name: str, content: object) -> None:
    if content is not None:
        (folder / name).write_text(json.dumps(content))


def theirs(folder: Path):
    # By the class that the model's config.json leads to, as for a GPT-2 of the hub.
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    return AutoTokenizer.from_pretrained(folder)


def assert_same(folder: Path) -> None:
    right, ours = theirs(folder), load(folder)
    for text in TEXTS:
        ids = right.encode(text, add_special_tokens=False, split_special_tokens=True)
        assert ours.encode(text) == ids, text
        assert ours.decode(ids) == right.decode(ids, clean_up_tokenization_spaces=False)
    assert ours.end_of_text == right.eos_token_id


@pytest.mark.parametrize("vocabulary", ["tokenizer.json", "vocab.json"])
@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_every_combination_of_files_gives_their_ids(trained, config, vocabulary, tmp_path):
    trained.save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    if vocabulary == "vocab.json":
        model = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
        vocab = model["vocab"] | {"<|endoftext|>": len(model["vocab"])}
        write(tmp_path, "vocab.json", vocab)
        merges = "\n".join(" ".join(pair) for pair in model["merges"])
        (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
        (tmp_path / "tokenizer.json").unlink()
        if config and config["tokenizer_class"] == "PreTrainedTokenizerFast":
            pytest.skip("that class reads tokenizer.json only")
    for special, added in product(SPECIAL, ADDED):
        for name in ("special_tokens_map.json", "added_tokens.json"):
            (tmp_path / name).unlink(missing_ok=True)
        write(tmp_path, "tokenizer_config.json", config)
        write(tmp_path, "special_tokens_map.json", special)
        write(tmp_path, "added_tokens.json", added)
        assert_same(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "text", "ids"),
    [
        ("added_tokens.json", {"covfefe": 50257}, "the covfefe", [1169, 220, 50257]),
        ("tokenizer_config.json", CONFIGS[2], "Hello world", [18435, 995]),
    ],
)
def test_beside_gpt2s_own_vocabulary(name, content, text, ids, tmp_path):
    GPT2Tokenizer().save(tmp_path)
    write(tmp_path, name, content)
    tokenizer = load(tmp_path)
    assert tokenizer.encode(text) == ids
    tokenizer.save(tmp_path / "again")
    assert load(tmp_path / "again").encode(text) == ids


def test_dropout_of_merges_never_cuts_a_text_otherwise(trained, tmp_path):
    trained.save(tmp_path)
    spec = json.loads((tmp_path / "tokenizer.json").read_text())
    spec["model"]["dropout"] = 0.5
    write(tmp_path, "tokenizer.json", spec)
    tokenizer = load(tmp_path)
    for _ in range(30):
        assert tokenizer.encode("the other cat sat") == trained.encode("the other cat sat")
    tokenizer.save(tmp_path)
    assert json.loads((tmp_path / "tokenizer.json").read_text())["model"]["dropout"] is None


@pytest.mark.parametrize("name", ["tokenizer_config.json", "added_tokens.json"])
@pytest.mark.parametrize(
    "content",
    [[1], {"eos_token": 3}, {"add_prefix_space": "yes"}, {"a": -1}, {"added_tokens_decoder": [3]}],
)
def test_what_means_nothing_is_named(trained, name, content, tmp_path):
    if name == "added_tokens.json" and content == {"eos_token": 3}:
        return  # a token of that name
    if name == "tokenizer_config.json" and content == {"a": -1}:
        return  # a setting of somebody else
    trained.save(tmp_path)
    write(tmp_path, name, content)
    with pytest.raises(ValueError, match=name):
        load(tmp_path)
