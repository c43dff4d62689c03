"""The page Patching: two texts, and what each patch of the one brings back of the other."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from accounts.common import Models, Read, heads_by
from accounts.reference import Reference, log_softmax, of_letters

OTHER = "a sea. a be"
PLACES = {
    "stream": ("h.*", lambda block: block, False),
    "heads": ("h.*.attn.z", lambda block: block.attn.c_proj, True),
    "attn": ("h.*.attn", lambda block: block.attn, False),
    "mlp": ("h.*.mlp", lambda block: block.mlp, False),
}


def restored(
    clean: Reference, other: Reference, place: str, answers: tuple[int, int]
) -> np.ndarray:
    """Every patch, a run each: how much of the difference of two logits it brings back."""
    first, second = answers

    def apart(run: dict[str, np.ndarray]) -> float:
        return float(run["logits"][-1, first] - run["logits"][-1, second])

    whole, nothing = apart(clean.x), apart(other.x)
    name, module_of, is_head = PLACES[place]
    d, rows = clean.d, []
    for i, block in enumerate(clean.theirs.transformer.h):
        source = clean.x[name.replace("*", str(i))]
        if is_head:
            source = source.transpose(1, 0, 2).reshape(clean.T, clean.C)
        taken = torch.tensor(source)

        def patch(j: int, taken: torch.Tensor = taken) -> Callable:
            def changed(x: torch.Tensor) -> torch.Tensor:
                x = x.clone()
                if is_head:
                    x[0, :, j * d : (j + 1) * d] = taken[:, j * d : (j + 1) * d]
                else:
                    x[0, j] = taken[j]
                return x

            return changed

        module, count = module_of(block), clean.H if is_head else clean.T
        for j in range(count):
            change = {module: patch(j)}
            run = other.run(given=change) if is_head else other.run(change)
            rows.append((apart(run) - nothing) / (whole - nothing))
    return np.array(rows).reshape(clean.L, -1)


def sentence(values: np.ndarray, place: str) -> tuple:
    if place == "heads":
        best, second = -np.sort(-values.ravel())[:2]
        if best < 0.1:
            return ()
        return ("alone restores", best, *([second] if second >= 0.1 else []))
    told = values.copy()
    if place == "stream":
        told[-1, -1] = 0
    layer, position = divmod(int(told.argmax()), told.shape[1])
    best = told[layer, position]
    return ("Most is restored at token {}", position, best) if best >= 0.1 else ()


def patching(ref: Reference, place: str) -> tuple[list[tuple], dict[str, Any], tuple[int, int]]:
    other = of_letters(ref.theirs, OTHER)
    guesses = [np.exp(log_softmax(side.x["logits"][-1])) for side in (ref, other)]
    lists = [np.argsort(-p)[:10] for p in guesses]
    pairs = [(int(a), int(b)) for a in lists[0] for b in lists[1] if a != b]
    z, other_z = ref.x["logits"][-1], other.x["logits"][-1]
    answers = max(pairs, key=lambda ab: abs(np.subtract(*z[[*ab]]) - np.subtract(*other_z[[*ab]])))
    values = restored(ref, other, place, answers)
    both = zip(ref.named, other.tokens, strict=True)
    labels = [own if own.endswith(f" {piece}") else f"{own} / {piece}" for own, piece in both]
    hover = [f"id {token}" for side in (ref, other) for token in side.ids]
    shown: dict[str, Any] = {
        "pair.rows.chips.position": [*range(ref.T)] * 2,
        "pair.rows.chips.hover": hover,
        "answer.label": [(p,) for p in guesses[0][lists[0]]],
        "other_answer.label": [(p,) for p in guesses[1][lists[1]]],
        "restored.0.z": values,
        "restored_table.restored": values,
    }
    shown |= heads_by("restored", values)
    if place != "heads":
        shown |= {"restored.0.x": labels, "restored_table.label": labels * ref.L}
        shown["restored_table.position"] = shown.pop("restored_table.head")
    shape = values.shape
    said = [("How much of the clean answer", 0, 1, *shape, 1, -1, 2022, 2024)]
    told = sentence(values, place)
    return said + ([told] if told else []), shown, answers


def look(read: Read, models: Models, place: str) -> None:
    """What is taken from the clean run."""
    ref = models.ref
    said, shown, (answer, other) = patching(ref, place)
    answers = {"answer": answer, "other_answer": other}
    page = read("patching", ["restored"], corrupted=OTHER, patched=place, **answers)
    page.holds(ref.around(ref.T - 1), (said, shown))


VIEWS = {place: partial(look, place=place) for place in PLACES}
