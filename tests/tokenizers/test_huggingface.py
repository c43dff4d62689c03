import json
from types import SimpleNamespace

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from gptviz import tokenizers
from gptviz.tokenizers import HuggingFaceTokenizer
from gptviz.tokenizers.byte_level import CHARACTER_OF

LETTERS = dict.fromkeys("abcdefghijklmnopqrstuvwxyz")


def numbered(*spellings: str) -> dict[str, int]:
    return {spelling: i for i, spelling in enumerate(dict.fromkeys(spellings))}


def byte_level(*merges: tuple[str, str], leave_out: bytes = b"") -> Tokenizer:
    alphabet = [c for byte, c in CHARACTER_OF.items() if byte not in leave_out]
    vocab = numbered(*alphabet, *(a + b for a, b in merges))
    library = Tokenizer(models.BPE(vocab, list(merges)))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


def metaspace_bpe() -> Tokenizer:
    vocab = numbered("<unk>", *(f"<0x{i:02X}>" for i in range(256)), "▁", *LETTERS, "▁c", "▁ca")
    merges = [("▁", "c"), ("▁c", "a")]
    library = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True))
    library.normalizer = normalizers.Replace(" ", "▁")
    library.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    library.add_special_tokens(["<unk>"])
    return library


def word_piece() -> Tokenizer:
    library = Tokenizer(
        models.WordPiece(numbered("[UNK]", "play", "##ing", "ing"), unk_token="[UNK]")
    )
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.decoder = decoders.WordPiece()
    library.add_special_tokens(["[UNK]"])
    return library


def wrap(library: Tokenizer, end_of_text: str | None = None) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(library.to_str(), end_of_text)


def test_byte_level_tokens_are_the_bytes_that_their_spelling_stands_for():
    tokenizer = wrap(byte_level(("Ġ", "c"), ("Ġc", "a")))
    ids = tokenizer.encode(" cat\n안")
    assert [tokenizer.token_bytes(i) for i in ids[:3]] == [b" ca", b"t", b"\n"]
    assert tokenizer.pieces(ids) == ["·ca", "t", "⏎", "⟨EC⟩", "⟨95⟩", "⟨88⟩"]
    assert tokenizer.decode(ids) == " cat\n안"
    assert tokenizer.decode(ids[:-1]) == " cat\n\ufffd"


def test_a_metaspace_is_a_space_and_a_byte_token_is_its_byte():
    tokenizer = wrap(metaspace_bpe())
    ids = tokenizer.encode(" cat 안")
    assert [tokenizer.token_bytes(i) for i in ids[:2]] == [b" ca", b"t"]
    assert tokenizer.pieces(ids) == ["·ca", "t", "·", "⟨EC⟩", "⟨95⟩", "⟨88⟩"]
    assert tokenizer.decode(ids) == " cat 안"


def test_word_piece_keeps_its_mark_on_screen_but_not_in_the_bytes():
    tokenizer = wrap(word_piece())
    ids = tokenizer.encode("playing ing")
    assert [tokenizer.token_bytes(i) for i in ids] == [b"play", b"ing", b"ing"]
    assert tokenizer.pieces([*ids, 99]) == ["play", "##ing", "ing", "⟨99⟩"]
    assert tokenizer.decode(ids) == "playing ing"


def test_a_suffix_that_ends_words_is_a_space():
    vocab = numbered("c", "a", "t</w>", "t")
    library = Tokenizer(models.BPE(vocab, [], end_of_word_suffix="</w>"))
    library.decoder = decoders.BPEDecoder("</w>")
    tokenizer = wrap(library)
    assert tokenizer.token_bytes(2) == b"t "
    assert tokenizer.decode(tokenizer.encode("cat")) == "cat"


@pytest.mark.parametrize(
    ("library", "name"),
    [
        (byte_level(), "byte-level BPE"),
        (metaspace_bpe(), "BPE"),
        (word_piece(), "WordPiece"),
        (Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0)), "Unigram"),
        (Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), "WordLevel"),
    ],
)
def test_its_name_is_its_kind(library, name):
    assert wrap(library).name == name


def test_an_unknown_symbol_becomes_the_unknown_token_where_there_is_one():
    tokenizer = wrap(word_piece())
    assert tokenizer.pieces(tokenizer.encode("play 안")) == ["play", "[UNK]"]


@pytest.mark.parametrize(
    "library",
    [
        Tokenizer(models.BPE(numbered("a", "b"), [])),
        Tokenizer(models.Unigram([("a", -1.0), ("b", -1.0)])),
        Tokenizer(models.WordLevel(numbered("a"), unk_token="<unk>")),
        Tokenizer(models.WordPiece(numbered("a"), unk_token="[UNK]")),
    ],
    ids=["BPE", "Unigram", "WordLevel", "WordPiece"],
)
def test_an_unknown_symbol_is_an_error_where_there_is_no_unknown_token(library):
    tokenizer = wrap(library)
    assert tokenizer.decode(tokenizer.encode("a")) == "a"
    with pytest.raises(ValueError, match=r"no way to write 안|cannot write this"):
        tokenizer.encode("안")


def test_a_byte_that_a_byte_level_vocabulary_lacks_is_an_error():
    tokenizer = wrap(byte_level(leave_out=b"\x95"))
    assert tokenizer.decode(tokenizer.encode("cat 녀")) == "cat 녀"
    with pytest.raises(ValueError, match=r"no way to write 안 \(U\+C548\).*leave it out"):
        tokenizer.encode("cat 안")


def test_the_name_of_a_special_token_is_ordinary_text_when_typed():
    library = byte_level()
    library.add_special_tokens(["<|endoftext|>"])
    tokenizer = wrap(library)
    ids = tokenizer.encode("a<|endoftext|>")
    assert tokenizer.end_of_text == 256
    assert 256 not in ids
    assert tokenizer.decode(ids) == "a<|endoftext|>"
    assert tokenizer.decode([256]) == "<|endoftext|>"
    assert tokenizer.pieces([256]) == ["<|endoftext|>"]


def test_an_added_token_is_its_own_text_even_if_it_could_be_a_spelling():
    library = byte_level()
    library.add_tokens([AddedToken("Ġé", normalized=False)])
    tokenizer = wrap(library)
    assert tokenizer.encode("Ġé") == [256]
    assert tokenizer.token_bytes(256) == "Ġé".encode()
    assert tokenizer.decode([256]) == "Ġé"


def test_the_end_of_a_text_is_the_named_token_or_one_of_a_customary_name():
    library = byte_level()
    library.add_special_tokens(["<stop>", "</s>"])
    assert wrap(library).end_of_text == 257
    assert wrap(library, "<stop>").end_of_text == 256
    assert wrap(byte_level()).end_of_text is None


def test_no_token_is_added_cut_or_padded():
    library = byte_level()
    library.add_special_tokens(["<s>"])
    library.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 256)])
    library.enable_truncation(3)
    library.enable_padding(length=10)
    assert len(wrap(library).encode("a cat")) == 5


@pytest.mark.parametrize("token", [256, -1, 2**40])
def test_an_id_outside_the_vocabulary_is_refused_in_words_but_shown(token):
    tokenizer = wrap(byte_level())
    for ask in (tokenizer.token_bytes, lambda token: tokenizer.decode([token])):
        with pytest.raises(ValueError, match=f"no token {token}; the ids run from 0 to 255"):
            ask(token)
    assert tokenizer.pieces([token]) == [f"⟨{token}⟩"]


def test_an_id_in_a_gap_of_the_vocabulary_stands_for_nothing():
    tokenizer = wrap(Tokenizer(models.WordLevel({"a": 0, "b": 5}, unk_token="a")))
    assert tokenizer.vocab_size == 6
    assert tokenizer.pieces([0, 3, 5]) == ["a", "⟨3⟩", "b"]
    with pytest.raises(ValueError, match="no token 3"):
        tokenizer.token_bytes(3)


class Watched(dict):
    """The library's vocabulary, which notes when somebody goes through all of it."""

    walks = 0

    def __iter__(self):
        self.walks += 1
        return super().__iter__()

    def keys(self):
        self.walks += 1
        return super().keys()

    def values(self):
        self.walks += 1
        return super().values()

    def items(self):
        self.walks += 1
        return super().items()


class Library:
    """The library's tokenizer with a vocabulary that is watched."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: Watched):
        self.tokenizer, self.vocabulary = tokenizer, vocabulary

    def get_vocab(self) -> Watched:
        return self.vocabulary

    def __getattr__(self, name: str):
        return getattr(self.tokenizer, name)


def test_a_look_at_one_token_does_not_go_through_the_whole_vocabulary(monkeypatch):
    library = word_piece()
    vocabulary = Watched(library.get_vocab())
    watched = lambda text: Library(Tokenizer.from_str(text), vocabulary)  # noqa: E731
    monkeypatch.setattr("tokenizers.Tokenizer", SimpleNamespace(from_str=watched))
    tokenizer = wrap(library)
    before = vocabulary.walks
    assert before > 0
    assert tokenizer.vocab_size == 4
    assert tokenizer.token_bytes(1) == b"play"
    assert tokenizer.pieces([0, 2, 9]) == ["[UNK]", "##ing", "⟨9⟩"]
    assert vocabulary.walks == before


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match="lone surrogate"):
        wrap(byte_level()).encode("a\ud800")


def test_two_tokens_with_one_id_are_refused():
    specification = json.loads(Tokenizer(models.BPE({"a": 0}, [])).to_str())
    specification["model"]["vocab"] = {"a": 0, "b": 0}
    with pytest.raises(ValueError, match="both have the id 0"):
        HuggingFaceTokenizer(json.dumps(specification))


def test_what_is_saved_is_what_loads(tmp_path):
    library = byte_level(("Ġ", "c"))
    library.add_special_tokens(["<stop>"])
    tokenizer = wrap(library, "<stop>")
    tokenizer.save(tmp_path / "model")
    loaded = tokenizers.load(tmp_path / "model")
    assert isinstance(loaded, HuggingFaceTokenizer)
    assert loaded.encode(" cat 안") == tokenizer.encode(" cat 안")
    assert loaded.end_of_text == tokenizer.end_of_text == 257


def test_words_are_what_the_library_cuts_after_its_own_clean_up():
    library = byte_level()
    library.normalizer = normalizers.Lowercase()
    assert wrap(library).words("The CAT안") == ["the", " cat안"]
