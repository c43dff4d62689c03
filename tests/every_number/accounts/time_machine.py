"""The tab Time machine of Training: the same look at the model of each snapshot."""

import numpy as np

from accounts.common import Expected, Read, chips
from accounts.learnt import Learnt
from accounts.reference import Reference

TEXT = "the kög. "
STEP, LAYER, HEAD, AT, TOP = 29, 1, 2, 4, 8
TILE, GAP, TITLE, COLUMNS = 88, 12, 30, 5  # of the sheet, in pixels


def over_steps(key: str, values: np.ndarray, steps: list[int], column: str) -> Expected:
    """A row for each token whose value (S, V) is largest in the end, a column a step."""
    ids = np.argsort(-values[-1], kind="stable")[:TOP]
    at = steps.index(STEP)
    shown = {
        f"{key}.0.customdata": [str(step) for step in steps] * TOP,
        f"{key}.0.z": values[:, ids].T,
        f"{key}.shapes": [at - 0.5, at + 0.5, -0.5, TOP - 0.5],
        f"{key}.xaxis": [str(step) for step in steps],
        f"{key}_table.step": np.repeat(steps, TOP),
        f"{key}_table.rank": [*range(1, TOP + 1)] * len(steps),
        f"{key}_table.id": [*ids] * len(steps),
        f"{key}_table.{column}": values[:, ids],
    }
    return [], shown


def sheet(patterns: np.ndarray, steps: list[int]) -> Expected:
    """The patterns (S, T, T) of a head side by side, five in a row."""
    T = patterns.shape[-1]
    rows = -(-len(steps) // COLUMNS)
    board = np.full((rows * (T + 1) - 1, COLUMNS * (T + 1) - 1), np.nan)
    which, shapes = np.zeros_like(board), []
    for i, pattern in enumerate(patterns):
        row, column = i // COLUMNS, i % COLUMNS
        place = np.ix_(*(n * (T + 1) + np.arange(T) for n in (row, column)))
        board[place], which[place] = pattern, steps[i]
        left, top = column * (TILE + GAP), TITLE + row * (TILE + TITLE)
        shapes += [left, left + TILE, top, top + TILE]
    edges = np.arange(T + 1) * TILE / T
    chosen = patterns[steps.index(STEP)]
    query, key = np.tril_indices(T)
    shown = {
        "past_patterns.0.customdata": which,
        "past_patterns.0.x": [column * (TILE + GAP) + edges for column in range(COLUMNS)],
        "past_patterns.0.y": [TITLE + row * (TILE + TITLE) + edges for row in range(rows)],
        "past_patterns.0.z": board,
        "past_patterns.notes": [(step,) for step in steps],
        "past_patterns.shapes": shapes,
        "past_patterns_table.query": query,
        "past_patterns_table.key": key,
        "past_patterns_table.weight": chosen[query, key],
    }
    return [], shown


def cosines(ref: Reference, token: int) -> np.ndarray:
    """Of a token's embedding with every other's."""
    wte = ref.weight("wte.weight")
    found = wte @ wte[token] / np.linalg.norm(wte, axis=-1) / np.linalg.norm(wte[token])
    found[token] = -np.inf
    return found


def look(read: Read, learnt: Learnt) -> None:
    """The whole tab, from a step in the middle."""
    steps = learnt.kept
    refs = [learnt.at(step, TEXT) for step in steps]
    S, T, V, token = len(steps), len(TEXT), refs[0].V, refs[0].ids[AT]
    written = max(row["step"] for row in learnt.rows("samples.jsonl") if row["step"] <= STEP)
    wanted = [np.exp(ref.log_p[-1]) for ref in refs]
    said = [
        ("the text that the run wrote at this step", written),
        ("one of the tokens that are likeliest after your text", f"[{T - 1}]", S, V, 1),
        ("One square a step", 1, f"h.{LAYER}.attn.pattern[{HEAD}]", S, T, T),
        ("whose vectors are nearest", f"wte[{token}]", S, V, 1, -1),
        ("Look at step {} on", STEP),
    ]
    shown = {
        "layer": [0, 1, LAYER],
        "head": [0, 2, HEAD],
        "step_slider.steps": steps,
        "step_slider.chosen": STEP,
        "step_slider.loss.x": learnt.column("step"),
        "step_slider.loss.y": learnt.smoothed,
        **chips("position_chips", T, AT),
    }
    chosen = {"step": STEP, "layer": LAYER, "head": HEAD, "position": AT}
    keys = ("metrics", "past_next", "past_patterns", "past_neighbours")
    read(learnt.folder, keys, tab="time-machine", prompt=TEXT, **chosen).holds(
        learnt.around,
        (said, shown),
        over_steps("past_next", np.stack(wanted), steps, "probability"),
        sheet(np.stack([ref.patterns[LAYER, HEAD] for ref in refs]), steps),
        over_steps(
            "past_neighbours", np.stack([cosines(ref, token) for ref in refs]), steps, "cosine"
        ),
    )


VIEWS = {"29 of 95 steps": look}
