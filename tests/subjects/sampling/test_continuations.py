"""The tree of what a model wrote."""

import gc
import tracemalloc

import pytest

from gptviz import LanguageModel
from gptviz.subjects.sampling import continuation_analysis as continuations
from gptviz.subjects.sampling.continuation_analysis import (
    ALTERNATIVES_KEPT,
    MOST_NODES,
    Tree,
    decoded,
    first_difference,
    parse_stops,
)
from gptviz.tokenizers import GPT2Tokenizer


def grow(lm: LanguageModel, tree: Tree, n: int, seed: int = 0, **settings: float) -> None:
    writing = tree.begin()
    for step in lm.generate(writing.ids, n, seed=seed, **settings):
        assert writing.add(step, lm.tokenizer)


def path(tree: Tree) -> list[int]:
    return [node.id for node in tree.path]


@pytest.fixture
def tree(tiny_lm: LanguageModel) -> Tree:
    tree = Tree(tiny_lm.ids("To be"))
    grow(tiny_lm, tree, 10)
    return tree


def another(tree: Tree, index: int) -> int:
    """An alternative at an index that does not stand there."""
    node = tree.path[index]
    assert node.parent
    return next(a.id for a in node.parent.alternatives if a.id != node.id)


def test_a_tree_holds_what_generation_wrote(tiny_lm: LanguageModel, tree: Tree):
    steps = list(tiny_lm.generate("To be", 10, seed=0))
    assert path(tree) == [step.id for step in steps]
    assert tree.ids == [*tiny_lm.ids("To be"), *path(tree)]
    assert [node.drawn.token for node in tree.path] == [step.token for step in steps]
    assert [node.drawn.probability for node in tree.path] == pytest.approx(
        [step.probability for step in steps]
    )


def test_the_alternatives_are_the_likeliest_tokens_of_the_model_and_the_drawn_one(
    tiny_lm: LanguageModel,
):
    for step in tiny_lm.generate("abc", 20, temperature=2.0, seed=1):
        found = continuations.alternatives(step, tiny_lm.tokenizer)
        before = step.logits.softmax(-1)
        assert len(found) == ALTERNATIVES_KEPT
        assert step.id in [alternative.id for alternative in found]
        expected = before.topk(ALTERNATIVES_KEPT).indices.tolist()
        assert [alternative.id for alternative in found][:-1] == expected[:-1]
        for alternative in found:
            assert alternative.before == pytest.approx(float(before[alternative.id]))
            expected_probability = float(step.probabilities[alternative.id])
            assert alternative.probability == pytest.approx(expected_probability)


def test_what_the_rules_removed_is_still_an_alternative(tiny_lm: LanguageModel):
    step = next(tiny_lm.generate("abc", 1, temperature=0))
    found = continuations.alternatives(step, tiny_lm.tokenizer)
    assert [alternative.probability for alternative in found] == [1, *[0] * 7]
    assert all(alternative.before > 0 for alternative in found)


def test_choosing_an_alternative_opens_a_branch_and_the_old_one_is_kept(
    tiny_lm: LanguageModel, tree: Tree
):
    old, old_tip = path(tree), tree.tip
    token = another(tree, 4)
    assert tree.choose(4, token) is True
    assert path(tree) == [*old[:4], token]
    grow(tiny_lm, tree, 3, seed=5)
    assert path(tree)[:5] == [*old[:4], token]
    assert len(tree.leaves()) == 2
    tree.visit(old_tip)
    assert path(tree) == old


def test_choosing_what_was_written_before_walks_back_to_the_end_of_its_branch(
    tiny_lm: LanguageModel, tree: Tree
):
    old = path(tree)
    token = another(tree, 2)
    tree.choose(2, token)
    grow(tiny_lm, tree, 4)
    new = path(tree)
    assert tree.choose(2, old[2]) is False
    assert path(tree) == old
    assert tree.choose(2, token) is False
    assert path(tree) == new


def test_a_branch_in_a_branch_is_found_again(tiny_lm: LanguageModel, tree: Tree):
    tree.choose(3, another(tree, 3))
    grow(tiny_lm, tree, 4)
    tree.choose(5, another(tree, 5))
    grow(tiny_lm, tree, 4)
    ends = tree.leaves()
    assert len(ends) == 3
    paths = []
    for leaf in ends:
        tree.visit(leaf)
        assert tree.tip is leaf
        assert tree.path == Tree.path_to(leaf)
        paths.append(tuple(path(tree)))
    assert len(set(paths)) == 3
    assert tree.size == len({id(node) for leaf in ends for node in Tree.path_to(leaf)})


def test_a_choice_that_does_not_exist_is_refused_in_words(tree: Tree):
    with pytest.raises(ValueError, match="index 10 is not in a path of 10 tokens"):
        tree.choose(10, 1)
    with pytest.raises(ValueError, match="no alternative at index 0"):
        tree.choose(0, 10_000)
    with pytest.raises(ValueError, match="the prompt was not drawn"):
        _ = tree.root.drawn


@pytest.mark.parametrize(
    "go_elsewhere",
    [
        lambda tree: tree.choose(3, another(tree, 3)),
        lambda tree: tree.visit(tree.path[4]),
        lambda tree: tree.interrupt(),
        lambda tree: tree.begin(),
    ],
)
def test_a_writing_ends_as_soon_as_another_branch_is_chosen(tiny_lm, tree, go_elsewhere):
    writing = tree.begin()
    steps = tiny_lm.generate(writing.ids, 2)
    assert writing.add(next(steps), tiny_lm.tokenizer)
    go_elsewhere(tree)
    before, size = path(tree), tree.size
    assert not writing.add(next(steps), tiny_lm.tokenizer)
    assert (path(tree), tree.size) == (before, size)


def test_a_tree_has_a_bound_and_says_so(tiny_lm: LanguageModel):
    tree = Tree(tiny_lm.ids("a"))
    grow(tiny_lm, tree, MOST_NODES)
    assert tree.full
    with pytest.raises(ValueError, match="start again"):
        grow(tiny_lm, tree, 1)
    with pytest.raises(ValueError, match="start again"):
        tree.choose(0, another(tree, 0))
    assert tree.size == MOST_NODES
    assert tree.choose(0, path(tree)[0]) is False


def test_a_full_tree_takes_less_than_a_megabyte(tiny_lm: LanguageModel):
    grow(tiny_lm, Tree(tiny_lm.ids("a")), 2)  # what a model keeps for all trees
    gc.collect()
    tracemalloc.start()
    try:
        tree = Tree(tiny_lm.ids("a"))
        grow(tiny_lm, tree, MOST_NODES)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tree.full
    assert taken < 2**20


def test_the_first_difference_is_where_two_texts_part():
    assert first_difference([1, 2, 3], [1, 2, 3]) is None
    assert first_difference([1, 2, 3], [1, 4, 3]) == 1
    assert first_difference([1, 2], [1, 2, 3]) == 2
    assert first_difference([], []) is None


def test_stop_sequences_can_be_typed():
    assert parse_stops(["\\n", "end", "", "a\\tb", "\\\\n", "\\x"]) == [
        "\n",
        "end",
        "a\tb",
        "\\n",
        "\\x",
    ]


def test_an_id_without_a_text_is_decoded_as_its_number_between_the_others():
    tokenizer = GPT2Tokenizer()
    king, crown = tokenizer.encode("The king"), tokenizer.encode("’s 👑")
    assert decoded(tokenizer, king + crown) == "The king’s 👑"
    assert decoded(tokenizer, [*king, 50300, *crown, 60000]) == "The king⟨50300⟩’s 👑⟨60000⟩"
    assert decoded(tokenizer, []) == ""
