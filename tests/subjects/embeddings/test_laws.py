import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings import context_analysis, map_analysis, position_analysis
from gptviz.tokenizers import CharacterTokenizer

law = settings(max_examples=40, deadline=None)
LETTERS = "abcdefghijkl"


@st.composite
def vectors(draw, least=1):
    N, C = draw(st.integers(least, 30)), draw(st.integers(1, 12))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    scale = draw(st.sampled_from([1e-3, 1.0, 100.0]))
    return scale * torch.randn(N, C, generator=generator)


@st.composite
def models(draw):
    config = GPTConfig(
        len(LETTERS),
        block_size=draw(st.sampled_from([4, 9, 32])),
        n_layer=draw(st.integers(1, 3)),
        n_head=1,
        n_embd=draw(st.sampled_from([2, 6, 8])),
        position=draw(st.sampled_from(["learned", "sinusoidal", "none"])),
        norm=draw(st.sampled_from(["pre", "post", "none"])),
        tie_weights=draw(st.booleans()),
    )
    model = GPT(config, torch.Generator().manual_seed(draw(st.integers(0, 10_000))))
    return LanguageModel(model, CharacterTokenizer(LETTERS), "tiny", "tiny")


texts = st.text(LETTERS, min_size=1, max_size=4)


@law
@given(x=vectors())
def test_similarity_is_symmetric_with_a_unit_diagonal_and_never_beyond_1(x):
    cosines = embeddings.cosine_similarity(x, x)
    torch.testing.assert_close(cosines, cosines.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(cosines.diag(), torch.ones(len(x)), atol=1e-5, rtol=0)
    assert cosines.abs().max() <= 1


@law
@given(x=vectors(), factor=st.sampled_from([0.01, 3.0, 1000.0]))
def test_similarity_does_not_depend_on_the_lengths_of_the_vectors(x, factor):
    expected = embeddings.cosine_similarity(x, x)
    torch.testing.assert_close(
        embeddings.cosine_similarity(factor * x, x), expected, atol=1e-5, rtol=0
    )


@law
@given(lm=models(), n=st.integers(1, 15), left_out=st.sets(st.integers(0, 11), max_size=11))
def test_neighbours_are_those_that_a_plain_loop_finds(lm, n, left_out):
    W = lm.model.wte.weight.double().numpy()
    vector = lm.model.wte.weight[3] + 0.01
    v = vector.double().numpy()
    cosine = {
        token: float(row @ v / np.linalg.norm(row) / np.linalg.norm(v))
        for token, row in enumerate(W)
        if token not in left_out
    }
    expected = sorted(cosine, key=lambda token: -cosine[token])[:n]
    found = embeddings.nearest(lm, vector, n, left_out)
    np.testing.assert_allclose(found["cosine"], [cosine[token] for token in found["id"]], atol=1e-5)
    np.testing.assert_allclose(found["cosine"], [cosine[token] for token in expected], atol=1e-5)
    assert len(set(found["id"])) == len(expected)


@law
@given(lm=models(), words=st.lists(texts, min_size=3, max_size=3))
def test_an_analogy_never_answers_with_a_token_of_its_own_words(lm, words):
    a, b, c = (embeddings.word(lm, typed) for typed in words)
    asked = {*a.ids, *b.ids, *c.ids}
    assert not asked & set(embeddings.analogy(lm, *words, n=12)["id"])


@law
@given(x=vectors(), n=st.integers(1, 3))
def test_pca_explains_what_the_covariance_says_in_falling_order(x, n):
    found = map_analysis.pca(x.numpy(), n)
    assert found.points.shape == (len(x), n)
    assert (np.diff(found.explained) <= 1e-12).all()
    assert 0 <= found.explained.sum() <= 1 + 1e-9
    if len(x) < 2:
        assert not found.explained.any()
        return
    covariance = np.atleast_2d(np.cov(x.double().numpy().T))
    eigenvalues = np.sort(np.linalg.eigvalsh(covariance))[::-1]
    expected = np.zeros(n)
    expected[: len(eigenvalues)] = (eigenvalues / eigenvalues.sum())[:n]
    np.testing.assert_allclose(found.explained, expected, atol=1e-6)
    variance = np.var(found.points.astype(np.float64), axis=0, ddof=1)
    np.testing.assert_allclose(variance / eigenvalues.sum(), expected, atol=1e-5)


@law
@given(x=vectors(least=2))
def test_all_axes_together_explain_everything_and_keep_every_distance(x):
    found = map_analysis.pca(x.numpy(), x.size(1))
    np.testing.assert_allclose(found.explained.sum(), 1)
    points = torch.from_numpy(found.points.astype(np.float32))
    scale = float(x.abs().max())
    torch.testing.assert_close(
        torch.cdist(points, points), torch.cdist(x, x), atol=2e-3 * scale, rtol=1e-3
    )


@law
@given(x=vectors(least=2), n=st.integers(1, 3))
def test_a_pca_drawn_again_is_the_same_picture_not_its_mirror_image(x, n):
    first, second = (map_analysis.pca(x.numpy().copy(), n).points for _ in range(2))
    np.testing.assert_array_equal(first, second)
    furthest = first[np.abs(first).argmax(0), range(n)]
    assert (furthest >= 0).all()


@law
@given(lm=models())
def test_sinusoidal_similarity_depends_on_the_distance_alone(lm):
    cosines = position_analysis.similarity(lm)[1]
    for distance in range(len(cosines)):
        diagonal = cosines.diagonal(distance)
        np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-4)


@law
@given(lm=models())
def test_a_sinusoidal_model_has_the_very_waves_beside_it_and_one_without_has_none(lm):
    model, waves = position_analysis.similarity(lm)
    if lm.config.position == "sinusoidal":
        np.testing.assert_array_equal(model, waves)
    if lm.config.position == "none":
        assert np.isnan(model).all()


@law
@given(lm=models(), first=texts, second=texts)
def test_drift_starts_at_the_token_embedding(lm, first, second):
    a, b = lm.trace(first), lm.trace(second)
    for i, j in context_analysis.shared_positions(a.ids, b.ids).items():
        way = context_analysis.drift(lm.config, a, b, i, j)
        assert way.stages[0] == "wte"
        np.testing.assert_allclose(way.from_start[:, 0], 1, atol=1e-5)
        np.testing.assert_allclose(way.between[0], 1, atol=1e-5)
        assert len(way.stages) == lm.config.n_layer + 2


@law
@given(lm=models(), text=texts)
def test_a_token_does_not_drift_from_itself_in_the_same_text(lm, text):
    a, b = lm.trace(text), lm.trace(text)
    i = len(a.ids) - 1
    way = context_analysis.drift(lm.config, a, b, i, i)
    np.testing.assert_allclose(way.between, 1, atol=1e-5)
    np.testing.assert_array_equal(way.from_start[0], way.from_start[1])


@law
@given(lm=models(), first=texts, second=texts)
def test_shared_positions_hold_the_same_token_the_last_time_it_occurs(lm, first, second):
    a, b = lm.ids(first), lm.ids(second)
    shared = context_analysis.shared_positions(a, b)
    assert {a[i] for i in shared} == set(a) & set(b)
    for i, j in shared.items():
        assert a[i] == b[j]
        assert a[i] not in a[i + 1 :]
        assert b[j] not in b[j + 1 :]
