import math

import numpy as np
import pytest
import torch

from gptviz import checkpoints, load
from gptviz.subjects.attention import finding_analysis as finding
from gptviz.subjects.attention.finding_analysis import Found

NAN = float("nan")
# a b c a: rows 0 to 3.
PATTERN = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.3, 0.5, 0], [0.1, 0.6, 0.2, 0.1]])


def test_further_back_leaves_out_the_first_token_the_token_itself_and_the_one_before():
    measured = finding.further_back(PATTERN)
    torch.testing.assert_close(measured, torch.tensor([NAN, NAN, NAN, 0.6]), equal_nan=True)


def test_the_same_token_is_the_copy_itself_and_not_what_followed_it():
    measured = finding.same_token(PATTERN, [7, 8, 9, 7])
    torch.testing.assert_close(measured, torch.tensor([NAN, NAN, NAN, 0.1]), equal_nan=True)


@pytest.mark.parametrize(
    ("piece", "ends"),
    [
        *((".", True), ("·?!", True), ('."', True), (".’", True), ("。", True), (".⏎", True)),
        *((",", False), ("⏎", False), ("·", False), ("", False), ("Mr", False), ('"', False)),
    ],
)
def test_a_sentence_ends_where_its_sign_stands(piece, ends):
    assert finding.ends_a_sentence(piece) is ends


def test_the_end_of_a_sentence_counts_only_for_tokens_after_it():
    measured = finding.sentence_end(PATTERN, ["Go", ".", "·I", "!"])
    torch.testing.assert_close(measured, torch.tensor([NAN, NAN, 0.3, 0.6]), equal_nan=True)


def test_looking_everywhere_alike_is_what_a_model_does_that_knows_nothing():
    alike = finding.looks_everywhere_alike(3)
    torch.testing.assert_close(
        alike, torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1]]) / torch.tensor([[1], [2], [3]])
    )


def test_of_a_trained_model_each_place_has_the_head_that_plain_sums_find():
    lm = load(checkpoints.find_listed("tales"))
    trace = lm.trace("'My name is Rumpelstiltskin,' said the little man. 'Rump")
    ids, T = trace.ids, len(trace.ids)
    ends = [i for i, token in enumerate(ids) if "." in lm.tokenizer.decode([token])]
    found = finding.find_heads(trace)
    heads = [(i, j) for i in range(6) for j in range(8)]
    weights = {(i, j): trace[f"h.{i}.attn.pattern"][j].tolist() for i, j in heads}

    def mean(rows, keys):
        shares = {h: [sum(weights[h][q][k] for k in keys(q)) for q in rows] for h in heads}
        return {h: sum(s) / len(s) for h, s in shares.items()}

    copies = {q: [k for k in range(q) if ids[k] == ids[q]] for q in range(T)}
    again = [q for q in range(T) if copies[q]]
    after = {q: [k + 1 for k in copies[q] if k + 1 < q] for q in again}
    for name, scores in {
        "previous token": mean(range(1, T), lambda q: [q - 1]),
        "first token": mean(range(1, T), lambda q: [0]),
        "same token": mean(again, lambda q: copies[q]),
        "induction": mean([q for q in again if after[q]], lambda q: after[q]),
        "sentence end": mean(range(ends[0] + 1, T), lambda q: [k for k in ends if k < q]),
        "further back": {h: max(weights[h][-1][1 : T - 2]) for h in heads},
    }.items():
        best = max(scores, key=scores.__getitem__)
        assert (found[name].layer, found[name].head) == best, name
        assert found[name].score == pytest.approx(scores[best], abs=1e-5), name
    assert (found["induction"].layer, found["induction"].head) == (4, 3)
    assert found["previous token"].alike == pytest.approx(
        np.mean([1 / (q + 1) for q in range(1, T)]), abs=1e-6
    )
    assert found["induction"].alike < 0.1 < 0.8 < found["induction"].score
    opening = finding.opening_head(trace)
    assert opening == found["further back"]
    look = finding.furthest_look(trace["h.4.attn.pattern"][3], ids, T - 1)
    assert trace.tokens[look.key] == "el"
    assert look.followed


def test_a_place_that_the_text_has_not_is_none(tiny_lm):
    found = finding.find_heads(tiny_lm.trace("abcd"))
    assert found["same token"] is found["induction"] is found["sentence end"] is None
    assert found["previous token"].score > 0


@pytest.mark.parametrize("text", ["a", "ab", "abc"])
def test_of_three_tokens_none_has_one_further_back(tiny_lm, text):
    trace = tiny_lm.trace(text)
    assert finding.opening_head(trace) is None
    assert finding.furthest_look(trace["h.0.attn.pattern"][0], trace.ids, len(text) - 1) is None


def test_a_model_whose_weights_are_broken_has_no_head_to_find(tiny_lm):
    trace = tiny_lm.trace("abca", edits={"embed": lambda x: x * math.nan})
    assert set(finding.find_heads(trace).values()) == {None}
    assert finding.opening_head(trace) is None
    assert finding.furthest_look(trace["h.1.attn.pattern"][0], trace.ids, 3) is None


def test_with_a_layer_or_a_head_only_those_are_asked(tiny_lm):
    trace = tiny_lm.trace("abcdef")
    rows = torch.stack([trace[f"h.{i}.attn.pattern"][:, -1, 1:-2].amax(-1) for i in (0, 1)])
    for layer in (0, 1):
        found = finding.opening_head(trace, layer=layer)
        head = int(rows[layer].argmax())
        assert found == Found(layer, head, float(rows[layer, head]), pytest.approx(1 / 6))
    for head in (0, 1):
        assert finding.opening_head(trace, head=head).layer == int(rows[:, head].argmax())
    assert finding.opening_head(trace, 1, 0) == Found(1, 0, float(rows[1, 0]), pytest.approx(1 / 6))
