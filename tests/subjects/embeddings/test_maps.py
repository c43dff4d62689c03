import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings import context_analysis, map_analysis, position_analysis
from gptviz.tokenizers import CharacterTokenizer


def language_model(letters="abcdefgh", **more) -> LanguageModel:
    settings = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 8, **more}
    model = GPT(GPTConfig(len(letters), **settings), torch.Generator().manual_seed(0))
    return LanguageModel(model, CharacterTokenizer(letters), "tiny", "tiny")


def arranged(vectors: np.ndarray, n_components: int) -> tuple[np.ndarray, list[int]]:
    """The points of a t-SNE, and every iteration that it told of on its way."""
    told = []
    with map_analysis.tsne(vectors, n_components) as job:
        while job.running(1.0):
            told.append(job.iteration)
        return job.result().points, told


@pytest.fixture(scope="module")
def two_clusters() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.normal(size=(40, 5)) + np.repeat([[20.0] + 4 * [0], 4 * [0] + [20.0]], 20, 0)


def test_tsne_keeps_near_tokens_together_and_tells_how_far_it_is(two_clusters):
    points, told = arranged(two_clusters, 2)
    assert points.shape == (40, 2)
    first, second = points[:20], points[20:]
    apart = np.linalg.norm(first.mean(0) - second.mean(0))
    assert apart > np.linalg.norm(first - first.mean(0), axis=1).max()
    assert told == sorted(told)
    assert told[-1] > told[0] == 0


def test_the_points_of_a_tsne_can_be_waited_for_without_its_news(two_clusters):
    with map_analysis.tsne(two_clusters, 2) as job:
        points = job.result().points
    assert not job.running(0.0), "what has ended stays ended"
    np.testing.assert_array_equal(points, arranged(two_clusters, 2)[0])


def test_tsne_draws_the_same_map_each_time(two_clusters):
    np.testing.assert_array_equal(arranged(two_clusters, 3)[0], arranged(two_clusters, 3)[0])


def test_five_vectors_of_one_number_have_a_tsne_map():
    points, _ = arranged(np.array([[1.0], [2.0], [-3.0], [4.0], [5.0]]), 3)
    assert points.shape == (5, 3)
    assert np.isfinite(points).all()


def test_fewer_than_five_tokens_are_refused_by_tsne_in_words():
    with (
        pytest.raises(ValueError, match="at least 5 different tokens, not 4; choose PCA"),
        map_analysis.tsne(np.eye(4), 2),
    ):
        pass


def test_a_tsne_that_breaks_off_says_so():
    with map_analysis.tsne(np.full((6, 3), np.nan), 2) as job:
        while job.running(1.0):
            pass
        with pytest.raises(ValueError, match="t-SNE broke off"):
            job.result()


def test_leaving_a_tsne_ends_its_process(two_clusters):
    with map_analysis.tsne(two_clusters, 2) as job:
        assert job.running(0)
    while job.running(1.0):
        pass
    with pytest.raises(ValueError, match="t-SNE broke off"):
        job.result()


def test_one_vector_is_a_map_of_one_point_that_explains_nothing():
    found = map_analysis.pca(np.ones((1, 4), dtype=np.float32), 3)
    assert found.points.tolist() == [[0, 0, 0]]
    assert found.explained.tolist() == [0, 0, 0]


def test_vectors_on_a_line_are_explained_by_one_axis():
    found = map_analysis.pca(np.array([[0.0, 0], [1, 2], [2, 4]]), 3)
    np.testing.assert_allclose(found.explained, [1, 0, 0], atol=1e-12)


def test_a_map_shows_each_token_once_and_the_prompts_first():
    lm = language_model()
    ids, source = map_analysis.map_ids(lm, [3, 1, 3], 4)
    assert ids == [3, 1, 0, 2]
    assert source == "vocabulary"


def test_a_map_without_a_backdrop_shows_the_prompt_alone():
    assert map_analysis.map_ids(language_model(), [3, 1, 3], 0)[0] == [3, 1]


def test_the_table_of_a_map_tells_where_in_the_prompt_a_token_stands():
    lm = language_model()
    table = map_analysis.map_table(lm, [3, 1, 3], [3, 1, 0], np.arange(9.0).reshape(3, 3))
    assert table["token"].tolist() == ["d", "b", "a"]
    assert table["positions"].tolist() == ["0, 2", "1", ""]
    assert table[["x", "y", "z"]].to_numpy().tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_position_vectors_are_the_rows_that_the_model_adds():
    lm = language_model()
    shown = position_analysis.shown_positions(lm)
    assert torch.equal(position_analysis.position_vectors(lm, shown), lm.model.wpe.weight)
    trace = lm.trace("abc")
    assert torch.equal(position_analysis.position_vectors(lm, range(3)), trace["wpe"])


def test_a_long_context_is_thinned_out_to_256_positions_at_most():
    assert position_analysis.shown_positions(language_model(block_size=1024)) == range(0, 1024, 4)
    assert position_analysis.shown_positions(language_model(block_size=257)) == range(0, 257, 2)
    assert position_analysis.shown_positions(language_model(block_size=256)) == range(256)


def test_a_model_of_odd_width_is_compared_with_waves_of_the_next_even_one():
    lm = language_model(n_embd=7, n_head=1)
    assert position_analysis.sinusoidal_vectors(lm, range(3)).shape == (3, 8)
    assert position_analysis.similarity(lm).shape == (2, 16, 16)


def test_the_table_of_positions_holds_each_pair_once():
    lm = language_model(block_size=3)
    squares = position_analysis.similarity(lm)
    table = position_analysis.similarity_table(lm, squares)
    pairs = list(zip(table["position"], table["other"], strict=True))
    assert pairs == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    assert table["model"].iloc[4] == squares[0, 1, 2]
    assert table["sinusoidal"].iloc[4] == squares[1, 1, 2]


def test_drift_compares_the_vectors_of_the_trace():
    lm = language_model()
    first, second = lm.trace("abcd"), lm.trace("dcbaa")
    way = context_analysis.drift(lm.config, first, second, 2, 1)
    assert way.stages == ["wte", "embed", "h.0", "h.1"]
    a, b = first["h.1"][2], second["h.1"][1]
    assert way.between[-1] == pytest.approx(float(a @ b / a.norm() / b.norm()), abs=1e-5)
    start = first["wte"][2]
    expected = float(b @ start / b.norm() / start.norm())
    assert way.from_start[1, -1] == pytest.approx(expected, abs=1e-5)
    others = [float(a @ x / a.norm() / x.norm()) for x in second["h.1"][[0, 2, 3, 4]]]
    assert way.others[-1] == pytest.approx(np.mean(others), abs=1e-5)
    assert context_analysis.drift_table(way)["stage"].tolist() == way.stages


def test_a_text_of_one_token_leaves_no_other_to_compare_with():
    lm = language_model()
    way = context_analysis.drift(lm.config, lm.trace("a"), lm.trace("a"), 0, 0)
    assert np.isnan(way.others).all()


def test_drift_refuses_two_different_tokens():
    lm = language_model()
    with pytest.raises(ValueError, match="position 0 of the first text holds a and position 1"):
        context_analysis.drift(lm.config, lm.trace("ab"), lm.trace("ab"), 0, 1)


def test_a_second_text_shares_a_token_with_any_prompt():
    lm = language_model()
    for prompt in ("a", "abc", "h"):
        other = context_analysis.other_text(lm, prompt, longest=16)
        assert other == prompt + prompt
        assert context_analysis.shared_positions(lm.ids(prompt), lm.ids(other))


def test_a_second_text_is_another_one_where_the_vocabulary_can_write_it():
    lm = language_model("".join(sorted(set("".join(context_analysis.OTHER_TEXTS)))))
    for prompt in context_analysis.OTHER_TEXTS:
        assert context_analysis.other_text(lm, prompt, longest=60) in context_analysis.OTHER_TEXTS
        assert context_analysis.other_text(lm, prompt, longest=60) != prompt


def test_a_second_text_never_exceeds_what_the_model_can_read():
    lm = language_model("".join(sorted(set("".join(context_analysis.OTHER_TEXTS)))))
    assert context_analysis.other_text(lm, "the", longest=6) == "thethe"
    assert context_analysis.other_text(lm, "the", longest=5) == "the"


def test_the_table_of_similarities_holds_each_pair_of_tokens_once():
    cosines = np.arange(9.0).reshape(3, 3)
    table = embeddings.similarity_table(cosines, ["a", "b", "a"])
    assert table["cosine"].tolist() == [1, 2, 5]
    assert table["other_token"].tolist() == ["b", "a", "a"]
    assert table["other_position"].tolist() == [1, 2, 2]
