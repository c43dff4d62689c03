import json
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, GPT2TokenizerFast, PreTrainedTokenizerFast

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, HuggingFaceTokenizer, load

TEXTS = ["Hello, I am", "안녕하세요 <|endoftext|>", " \n\n\t don't  stop 1234!", "🐱☀️\u200b", ""]


@pytest.fixture(scope="module")
def saved_gpt2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt2")
    GPT2Tokenizer().save(folder)
    return folder


@pytest.fixture(scope="module")
def their_gpt2(saved_gpt2):
    return GPT2TokenizerFast.from_pretrained(saved_gpt2)


@pytest.fixture(scope="module")
def trained():
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<stop>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    library.train_from_iterator(["the cat sat on the mat with the other cat"], trainer)
    return HuggingFaceTokenizer(library.to_str(), "<stop>")


def theirs(tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)


@settings(max_examples=60, deadline=None)
@given(text=st.text() | st.text("don't say 12 \n안녕"))
def test_transformers_reads_the_saved_gpt2_tokenizer_with_equal_ids(their_gpt2, text):
    assert theirs(their_gpt2, text) == GPT2Tokenizer().encode(text)


def test_transformers_decodes_and_spells_gpt2s_tokens_as_we_do(their_gpt2):
    ours = GPT2Tokenizer()
    ids = list(range(0, 50257, 101))
    assert their_gpt2.decode(ids, clean_up_tokenization_spaces=False) == ours.decode(ids)
    assert len(their_gpt2) == ours.vocab_size
    assert their_gpt2.eos_token_id == ours.end_of_text


def test_what_transformers_saves_for_gpt2_loads_with_equal_ids(their_gpt2, tmp_path):
    their_gpt2.save_pretrained(tmp_path)
    ours = load(tmp_path)
    assert ours.vocab_size == 50257
    assert ours.end_of_text == 50256
    for text in TEXTS:
        assert ours.encode(text) == GPT2Tokenizer().encode(text)
        assert ours.decode(ours.encode(text)) == text


def test_a_folder_with_all_three_files_has_one_meaning(their_gpt2, tmp_path):
    their_gpt2.save_pretrained(tmp_path)
    GPT2Tokenizer().save(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert load(tmp_path).encode(text) == theirs(again, text) == GPT2Tokenizer().encode(text)


@pytest.mark.parametrize("read", [AutoTokenizer, PreTrainedTokenizerFast])
def test_transformers_reads_a_saved_tokenizer_json_with_equal_ids(trained, read, tmp_path):
    trained.save(tmp_path)
    tokenizer = read.from_pretrained(tmp_path)
    assert tokenizer.eos_token_id == trained.end_of_text
    for text in TEXTS:
        assert theirs(tokenizer, text) == trained.encode(text)


ALPHABETS = {
    "a play": "\n !',-.:;?" + string.ascii_letters,
    "all that is printed": string.printable,
    "one letter": "x",
    "other scripts": "안녕猫は\u0301\u0308é\u200b\u200d🐱😴\u2028\u00a0\x85\x00▁Ġ#[UNK]<>",
    "no order": "zyx ab\r\n",
}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_transformers_reads_and_decodes_characters_as_we_do(alphabet, tmp_path):
    ours = CharacterTokenizer(dict.fromkeys(alphabet))
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    their = AutoTokenizer.from_pretrained(tmp_path)
    assert len(their) == ours.vocab_size
    dice = random.Random(0)
    for length in (0, 1, 2, 3, 40, 200):
        text = "".join(dice.choices(ours.characters, k=length))
        assert their(text)["input_ids"] == ours.encode(text)
        assert their.decode(ours.encode(text)) == text
    assert their.convert_ids_to_tokens(range(ours.vocab_size)) == list(ours.characters)
    with pytest.raises(Exception, match="Missing"):  # as here, it becomes no other character
        their("☃")
