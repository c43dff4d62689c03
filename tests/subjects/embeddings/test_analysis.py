import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel, token_counts
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer


def language_model(tokenizer, n_embd=8, token_counts=None) -> LanguageModel:
    config = GPTConfig(tokenizer.vocab_size, block_size=16, n_layer=2, n_head=1, n_embd=n_embd)
    model = GPT(config, torch.Generator().manual_seed(0))
    counts = None if token_counts is None else np.array(token_counts)
    return LanguageModel(model, tokenizer, "tiny", "tiny", counts)


@pytest.fixture(scope="module")
def gpt2_lm() -> LanguageModel:
    return language_model(GPT2Tokenizer())


@pytest.fixture(scope="module")
def letters_lm() -> LanguageModel:
    return language_model(CharacterTokenizer("abcdefgh"))


def with_vectors(vectors: list[list[float]]) -> LanguageModel:
    """A model of the letters a, b, c … with these embeddings."""
    tokenizer = CharacterTokenizer("abcdefgh"[: len(vectors)])
    lm = language_model(tokenizer, n_embd=len(vectors[0]))
    lm.model.wte.weight.copy_(torch.tensor(vectors))
    return lm


def test_a_word_is_looked_up_as_it_stands_in_a_sentence(gpt2_lm):
    found = embeddings.word(gpt2_lm, "king")
    assert found.pieces == ("·king",)
    assert torch.equal(found.vector, gpt2_lm.model.wte.weight[found.ids[0]])


def test_a_space_that_is_typed_is_kept_and_none_is_added(gpt2_lm):
    assert embeddings.word(gpt2_lm, " king").pieces == ("·king",)
    assert embeddings.word(gpt2_lm, "\tking").pieces == ("⇥", "king")


def test_of_two_ways_to_write_a_word_the_one_with_fewer_tokens_is_taken(gpt2_lm):
    plain, spaced = gpt2_lm.tokenizer.encode("KING"), gpt2_lm.tokenizer.encode(" KING")
    assert embeddings.word(gpt2_lm, "KING").ids == tuple(min(spaced, plain, key=len))


def test_a_word_of_several_tokens_is_the_mean_of_their_vectors_and_names_them(gpt2_lm):
    found = embeddings.word(gpt2_lm, "Tybalt")
    assert len(found.ids) == 3
    rows = gpt2_lm.model.wte.weight[list(found.ids)]
    torch.testing.assert_close(found.vector, rows.mean(0))
    assert found.label == " + ".join(found.pieces)


def test_an_emoji_is_a_word_whose_parts_are_shown_as_bytes(gpt2_lm):
    found = embeddings.word(gpt2_lm, "🦜")
    assert len(found.ids) > 1
    assert all("⟨" in piece for piece in found.pieces[1:])


def test_a_vocabulary_without_a_space_still_looks_its_words_up(letters_lm):
    assert embeddings.word(letters_lm, "bad").pieces == ("b", "a", "d")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "there is no word to look up"),
        ("   ", "there is no word to look up"),
        ("zoo", "the character z .* is not among the 8 characters"),
        ("🙂", "the character 🙂 .* is not among the 8 characters"),
        ("a" * 13, "“a{13}” has 13 tokens"),
    ],
)
def test_what_cannot_be_looked_up_is_refused_in_words(letters_lm, typed, reason):
    with pytest.raises(ValueError, match=reason):
        embeddings.word(letters_lm, typed)


def test_cosines_of_known_angles():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [1.0, 1.0]])
    expected = torch.tensor([1, 0, -1, 0.5**0.5])
    torch.testing.assert_close(embeddings.cosine_similarity(x[:1], x)[0], expected)


def test_a_vector_of_zeros_has_no_direction():
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    cosines = embeddings.cosine_similarity(x, x)
    assert cosines[0, 0] == 1
    assert cosines[1].isnan().all()
    assert cosines[:, 1].isnan().all()


def test_an_embedding_of_zeros_is_nobodys_neighbour():
    lm = with_vectors([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    assert embeddings.nearest(lm, torch.tensor([1.0, 0.0]))["token"].tolist() == ["a", "c"]
    assert embeddings.nearest(lm, torch.zeros(2)).empty


def test_the_neighbours_of_a_token_leave_it_out_if_asked(letters_lm):
    word = embeddings.word(letters_lm, "a")
    assert embeddings.nearest(letters_lm, word.vector, 1)["token"].tolist() == ["a"]
    others = embeddings.nearest(letters_lm, word.vector, 100, without=word.ids)
    assert sorted(others["token"]) == list("bcdefgh")


def test_a_token_of_the_prompt_is_a_word_of_itself(letters_lm):
    found = embeddings.token_word(letters_lm, 2)
    assert found.label == "c"
    assert torch.equal(found.vector, letters_lm.model.wte.weight[2])


def test_the_pair_table_ranks_the_second_word_among_the_whole_vocabulary():
    lm = with_vectors([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [1.0, 0.2], [-1.0, 0.0]])
    table = embeddings.pair_table(lm, [("a", "c"), ("a", "b"), ("a", "e"), ("a", "a")])
    assert table["rank"].tolist() == [1, 3, 4, 1]
    np.testing.assert_allclose(table["cosine"], [1 / 1.01**0.5, 0, -1, 1], atol=1e-6)


def test_pairs_are_read_with_any_dash_and_any_space():
    text = "king–queen, love - hate ,Romeo—Juliet, well-read–wise"
    assert embeddings.parse_pairs(text) == [
        ("king", "queen"),
        ("love", "hate"),
        ("Romeo", "Juliet"),
        ("well-read", "wise"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no pair of words"),
        (" , ,", "there is no pair of words"),
        ("king", "“king” is not a pair"),
        ("king–", "“king–” is not a pair"),
        ("a-b-c", "“a-b-c” is not a pair"),
        (",".join(["a-b"] * 13), "13 pairs are too many"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused_in_words(text, reason):
    with pytest.raises(ValueError, match=reason):
        embeddings.parse_pairs(text)


def test_an_analogy_finds_the_fourth_corner_of_a_parallelogram():
    # a: queen, b: woman, c: man, d: king, and something else. Axes: royal, female, human.
    lm = with_vectors([[0.6, 0.8, 0], [0, 1, 0], [0, 0, 1], [0.6, -0.2, 1], [1, 0.5, 0]])
    assert embeddings.analogy(lm, "a", "b", "c")["token"].iloc[0] == "d"


def test_an_analogy_leaves_its_own_words_out(letters_lm):
    found = embeddings.analogy(letters_lm, "ab", "c", "a", n=100)
    assert sorted(found["token"]) == list("defgh")


def test_an_analogy_gives_long_and_short_vectors_the_same_weight():
    lm = with_vectors([[1.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    a, b, c = (embeddings.word(lm, typed) for typed in "abc")
    torch.testing.assert_close(embeddings.analogy_vector(a, b, c), torch.tensor([1.0, 0.0]))


def test_tokens_that_the_training_text_hardly_holds_are_marked():
    lm = language_model(CharacterTokenizer("abc"), token_counts=[20, 19, 0])
    table = embeddings.token_table(lm, [0, 1, 2])
    assert table["seen"].tolist() == [20, 19, 0]
    assert table["hardly_seen"].tolist() == [False, True, True]
    pairs = embeddings.pair_table(lm, [("a", "b"), ("a", "a")])
    assert pairs["seen"].tolist() == [19, 20]
    assert pairs["hardly_seen"].tolist() == [True, False]
    assert embeddings.seen_least(lm, embeddings.word(lm, "ab")) == 19


def test_of_a_model_without_counts_it_is_not_known_what_it_has_seen(letters_lm):
    word = embeddings.word(letters_lm, "a")
    assert token_counts.times_seen(letters_lm) is None
    assert embeddings.seen_least(letters_lm, word) is None
    assert "seen" not in embeddings.nearest(letters_lm, word.vector)
    assert "seen" not in embeddings.pair_table(letters_lm, [("a", "b")])


def test_rows_of_a_padded_vocabulary_count_as_never_seen():
    config = GPTConfig(5, block_size=4, n_layer=1, n_head=1, n_embd=2)
    counts = np.array([7, 8, 9])
    lm = LanguageModel(GPT(config), CharacterTokenizer("abc"), "padded", "padded", counts)
    assert token_counts.times_seen(lm).tolist() == [7, 8, 9, 0, 0]


def test_the_commonest_tokens_are_those_that_the_training_text_holds_most_often():
    lm = language_model(CharacterTokenizer("abcd"), token_counts=[2, 9, 0, 9])
    ids, source = token_counts.commonest(lm, 2)
    assert ids == [1, 3]
    assert source == "counts"
    assert token_counts.commonest(lm, 300)[0] == [1, 3, 0], "what it never holds is not common"


def test_a_model_without_counts_gives_the_first_of_its_vocabulary(letters_lm):
    assert token_counts.commonest(letters_lm, 3) == ([0, 1, 2], "vocabulary")
    assert token_counts.commonest(letters_lm, 300) == (list(range(8)), "vocabulary")


def test_of_a_bpe_without_counts_the_first_readable_tokens_are_taken_not_its_bytes(gpt2_lm):
    ids, source = token_counts.commonest(gpt2_lm, 6)
    assert gpt2_lm.tokenizer.pieces(ids) == ["·t", "·a", "he", "in", "re", "on"]
    assert source == "readable-vocabulary"
