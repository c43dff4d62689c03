import pytest

from gptviz import tokenizers
from gptviz.tokenizers import CharacterTokenizer

TOKENIZER = CharacterTokenizer.from_text("to be, or not\n안")


def test_ids_follow_the_code_points_of_the_distinct_characters():
    assert TOKENIZER.characters == ("\n", " ", ",", "b", "e", "n", "o", "r", "t", "안")
    assert TOKENIZER.vocab_size == 10
    assert TOKENIZER.encode("to b") == [8, 6, 1, 3]
    assert TOKENIZER.decode([8, 6, 1, 3]) == "to b"


def test_each_token_is_one_whole_character():
    assert TOKENIZER.token_bytes(9) == "안".encode()
    assert TOKENIZER.pieces([0, 1, 9, 10]) == ["⏎", "·", "안", "⟨10⟩"]


def test_no_token_ends_a_text():
    assert TOKENIZER.end_of_text is None


@pytest.mark.parametrize(
    ("text", "named"),
    [("tie", r"the character i \(U\+0069\)"), ("to\u200b", r"the character ⟨U\+200B⟩ is not")],
)
def test_an_unknown_character_is_named_with_a_way_out(text, named):
    with pytest.raises(ValueError, match=named + ".*leave it out"):
        TOKENIZER.encode(text)


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match="lone surrogate"):
        TOKENIZER.encode("to\udfff")


@pytest.mark.parametrize("token", [10, -1])
def test_an_id_outside_the_vocabulary_is_refused(token):
    with pytest.raises(ValueError, match="the ids run from 0 to 9"):
        TOKENIZER.decode([token])
    with pytest.raises(ValueError, match="the ids run from 0 to 9"):
        TOKENIZER.token_bytes(token)


@pytest.mark.parametrize(
    ("characters", "reason"),
    [
        ([], "at least one character"),
        (["a", "b", "a"], r"the character a \(U\+0061\) is in the vocabulary twice"),
        (["a", "bc"], "'bc' is in the vocabulary; it must be one character"),
        (["a", 7], "7 is in the vocabulary; it must be one character"),
        (["a", "\ud800"], "lone surrogate"),
    ],
)
def test_a_vocabulary_that_cannot_work_is_refused(characters, reason):
    with pytest.raises(ValueError, match=reason):
        CharacterTokenizer(characters)


def test_what_is_saved_is_what_loads(tmp_path):
    TOKENIZER.save(tmp_path / "model")
    loaded = tokenizers.load(tmp_path / "model")
    assert isinstance(loaded, CharacterTokenizer)
    assert loaded.characters == TOKENIZER.characters
