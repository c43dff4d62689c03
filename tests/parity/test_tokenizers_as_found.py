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


def as_vocab_and_merges(tokenizer, folder: Path) -> None:
    tokenizer.save(folder)
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    write(folder, "vocab.json", model["vocab"] | {"<|endoftext|>": len(model["vocab"])})
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


@pytest.mark.parametrize("vocabulary", ["tokenizer.json", "vocab.json"])
@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_every_combination_of_files_gives_their_ids(trained, config, vocabulary, tmp_path):
    trained.save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    if vocabulary == "vocab.json":
        as_vocab_and_merges(trained, tmp_path)
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


END = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
A_TEXT = {"Sequence": {"id": "A", "type_id": 0}}
TEMPLATES = {
    "nothing": [A_TEXT],
    "before": [END, A_TEXT],
    "behind": [A_TEXT, END],
    "both": [END, A_TEXT, END],
    "two": [END, END, A_TEXT],
}


def template(pieces: list[dict]) -> dict:
    named = {"id": "<|endoftext|>", "ids": [269], "tokens": ["<|endoftext|>"]}
    pair = [*pieces, {"Sequence": {"id": "B", "type_id": 1}}]
    return {
        "type": "TemplateProcessing",
        "single": pieces,
        "pair": pair,
        "special_tokens": {"<|endoftext|>": named},
    }


def change(folder: Path, **changes: object) -> None:
    spec = json.loads((folder / "tokenizer.json").read_text())
    write(folder, "tokenizer.json", spec | changes)


@pytest.mark.parametrize("pieces", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("kind", ["GPT2Tokenizer", "PreTrainedTokenizerFast"])
def test_what_stands_around_a_text_is_read_or_named(trained, kind, pieces, tmp_path):
    trained.save(tmp_path)
    change(tmp_path, post_processor=template(pieces))
    for adds in ({}, {"add_bos_token": True, "add_eos_token": True}, {"add_bos_token": False}):
        write(tmp_path, "tokenizer_config.json", {"tokenizer_class": kind, **adds})
        assert_same_around(tmp_path)
        load(tmp_path).save(tmp_path / "again")
        assert_same_around(tmp_path / "again")


@pytest.mark.parametrize("begins", [None, True, False])
@pytest.mark.parametrize("ends", [None, True])
def test_without_a_tokenizer_json_the_settings_tell_what_stands_around_a_text(
    trained, begins, ends, tmp_path
):
    as_vocab_and_merges(trained, tmp_path)
    config = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": begins, "add_eos_token": ends}
    told = {name: value for name, value in config.items() if value is not None}
    write(tmp_path, "tokenizer_config.json", told)
    assert_same_around(tmp_path)
    load(tmp_path).save(tmp_path / "again")
    assert_same_around(tmp_path / "again")


def assert_same_around(folder: Path) -> None:
    ids, ours = theirs(folder).encode("the cat"), load(folder)
    plain = ours.encode("the cat")
    before = [ours.begin_of_text] if ours.begins else []
    assert (before + plain == ids) == (not ours.notes)
    told = " ".join(ours.notes)
    assert ("behind" in told) == (ids[-1] == 269)
    assert ours.begins == (ids[0] == 269 != ids[1])


@pytest.mark.parametrize("kind", [None, "GPT2Tokenizer", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize(
    "changes",
    [
        {"normalizer": {"type": "Lowercase"}},
        {
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [
                    {"type": "Digits", "individual_digits": True},
                    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
                ],
            }
        },
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}},
    ],
    ids=["normalizer", "digits", "whole lines"],
)
def test_another_cut_counts_where_the_class_does_not_cut_itself(trained, kind, changes, tmp_path):
    trained.save(tmp_path)
    cut = {"trim_offsets": True, **changes.get("pre_tokenizer", {})}
    change(tmp_path, **changes | ({"pre_tokenizer": cut} if "pre_tokenizer" in changes else {}))
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": kind} if kind else {})
    right, ours = theirs(tmp_path), load(tmp_path)
    for text in (*TEXTS, "The CAT 12345"):
        ids = right.encode(text, add_special_tokens=False, split_special_tokens=True)
        assert ours.encode(text) == ids, text


@pytest.mark.parametrize("name", ["additional_special_tokens", "extra_special_tokens"])
@pytest.mark.parametrize("also", [None, "additional_special_tokens", "extra_special_tokens"])
def test_more_special_tokens_of_two_files_are_put_together_as_theirs(trained, name, also, tmp_path):
    trained.save(tmp_path)
    config = {"tokenizer_class": "GPT2Tokenizer", "image_token": "<image>", name: ["<user>"]}
    write(tmp_path, "tokenizer_config.json", config if name != also else {"image_token": "<i>"})
    write(tmp_path, "special_tokens_map.json", {also: ["<map>"]} if also else {})
    right, ours = theirs(tmp_path), load(tmp_path)
    for text in ("the<user> cat", "<map>the", "<image><i>", "<user><map><image>"):
        assert ours.encode_special(text) == right.encode(text, add_special_tokens=False), text


@pytest.mark.parametrize("decoder", [False, True])
def test_a_token_with_other_marks_in_another_file_is_read_as_theirs(trained, decoder, tmp_path):
    trained.save(tmp_path)
    spec = json.loads((tmp_path / "tokenizer.json").read_text())
    usual = {"single_word": False, "rstrip": False, "normalized": False, "special": False}
    token = {"content": "covfefe", "lstrip": True, **usual}
    change(tmp_path, added_tokens=[*spec["added_tokens"], {"id": 270, **token}])
    write(tmp_path, "added_tokens.json", {"covfefe": 270})
    own = CONFIGS[-1]["added_tokens_decoder"]["269"]
    marked = {"269": own, "270": token | {"lstrip": False}}
    config = {"added_tokens_decoder": marked} if decoder else {}
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", **config})
    assert_same(tmp_path)


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
