import json

import pytest

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, HuggingFaceTokenizer, load
from gptviz.tokenizers.byte_level import CHARACTER_OF

VOCAB = {spelling: i for i, spelling in enumerate(CHARACTER_OF.values())}
VOCAB |= {"Ġc": 256, "Ġca": 257, "<|endoftext|>": 258}
MERGES = "#version: 0.2\nĠ c\nĠc a\n"
TEXT = "the cat 안 <|endoftext|>\n"


@pytest.fixture
def byte_level_folder(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(VOCAB), encoding="utf-8")
    (tmp_path / "merges.txt").write_text(MERGES, encoding="utf-8")
    return tmp_path


def test_gpt2s_own_files_make_gpt2s_tokenizer(tmp_path):
    GPT2Tokenizer().save(tmp_path)
    assert isinstance(load(tmp_path), GPT2Tokenizer)


def test_gpt2s_files_in_another_spelling_give_the_same_ids(tmp_path):
    GPT2Tokenizer().save(tmp_path)
    merges = (tmp_path / "merges.txt").read_text(encoding="utf-8")
    (tmp_path / "merges.txt").write_text(merges.removeprefix("#version: 0.2\n"), encoding="utf-8")
    tokenizer = load(tmp_path)
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    assert tokenizer.encode(TEXT) == GPT2Tokenizer().encode(TEXT)
    assert tokenizer.end_of_text == 50256
    assert tokenizer.merge_ranks == GPT2Tokenizer().merge_ranks


def test_other_vocab_and_merges_make_a_byte_level_bpe(byte_level_folder):
    tokenizer = load(byte_level_folder)
    assert tokenizer.pieces(tokenizer.encode("a cat")) == ["a", "·ca", "t"]
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT


def test_a_token_that_no_merge_makes_is_special(byte_level_folder):
    tokenizer = load(byte_level_folder)
    assert tokenizer.special_tokens == {258: "<|endoftext|>"}
    assert tokenizer.end_of_text == 258
    assert 258 not in tokenizer.encode(TEXT)


def test_tokenizer_json_goes_before_vocab_and_merges(byte_level_folder):
    load(byte_level_folder).save(byte_level_folder)
    (byte_level_folder / "vocab.json").write_text("broken", encoding="utf-8")
    assert load(byte_level_folder).encode(" ca") == [257]


@pytest.mark.parametrize("end", ["Ġca", {"content": "Ġca"}])
def test_the_configuration_names_the_end_of_a_text(byte_level_folder, end):
    load(byte_level_folder).save(byte_level_folder)
    config = byte_level_folder / "tokenizer_config.json"
    config.write_text(json.dumps({"eos_token": end}), encoding="utf-8")
    assert load(byte_level_folder).end_of_text == 257


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ('{"eos_token": ["x"]}', "sets eos_token to a list; it must be a token's name"),
        ('{"eos_token": {"content": {}}}', "sets eos_token to a dict; it must be"),
        ('{"eos_token": 7}', "sets eos_token to a int; it must be"),
        ("[" * 10**5, "is no valid JSON: .*again"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named_with_the_reason(
    byte_level_folder, config, reason
):
    load(byte_level_folder).save(byte_level_folder)
    (byte_level_folder / "tokenizer_config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"tokenizer_config\.json {reason}"):
        load(byte_level_folder)


def test_characters_json_makes_a_character_tokenizer(tmp_path):
    (tmp_path / "characters.json").write_text('["a", "안"]', encoding="utf-8")
    tokenizer = load(tmp_path)
    assert isinstance(tokenizer, CharacterTokenizer)
    assert tokenizer.encode("안a") == [1, 0]


def test_a_folder_without_a_tokenizer_lists_what_it_needs(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"tokenizer\.json, or vocab\.json with merges\.txt"
    ):
        load(tmp_path)
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"or characters\.json"):
        load(tmp_path)


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("characters.json", "[", r"characters\.json is no valid JSON: .*again"),
        ("characters.json", '{"a": 0}', "holds a dict; it must be a list of characters"),
        ("characters.json", '["a", "a"]', r"characters\.json: .* is in the vocabulary twice"),
        ("characters.json", "[" * 10**5, r"characters\.json is no valid JSON: .*again"),
        ("characters.json", "1" * 5000, r"characters\.json is no valid JSON: .*again"),
        ("characters.json", b'["\xff"]', r"characters\.json is no text in UTF-8: .*again"),
        ("tokenizer.json", "{", r"tokenizer\.json: this is no tokenizer that can be read"),
        ("tokenizer.json", "{}", r"tokenizer\.json: this is no tokenizer that can be read"),
        ("tokenizer.json", b"\xff", r"tokenizer\.json is no text in UTF-8"),
        ("vocab.json", "{", r"vocab\.json is no valid JSON"),
        ("vocab.json", "[]", "holds no vocabulary"),
        ("vocab.json", '{"a": "b"}', "the id of 'a' is 'b'; it must be a whole number"),
        ("vocab.json", '{"a": -1}', "the id of 'a' is -1"),
        ("vocab.json", '{"a": 0, "b": 0, "Ġ": 1, "c": 2, "Ġc": 3, "Ġca": 4}', "both have the id 0"),
        ("merges.txt", "Ġ c\nĠ\n", r"merges\.txt, line 2: 'Ġ' is no merge"),
        ("merges.txt", "Ġ zz\n", r"merges\.txt: this is no tokenizer that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    byte_level_folder, file, content, reason
):
    data = content if isinstance(content, bytes) else content.encode()
    (byte_level_folder / file).write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        load(byte_level_folder)
