"""The page From probability to loss: typed logits, the curve, the text, and what may come next."""

import math
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read
from accounts.reference import LETTERS, Reference, log_softmax

LOGITS, TARGET, CHANCE, NEXT = (1.7, -0.4, 0.9, 0.2), 2, 0.35, "b"
CHANCES = [0.001, 0.002, 0.005, 0.01, 0.02, *(step / 20 for step in range(1, 21))]


def of_logits(_: Reference) -> Expected:
    z = np.array(LOGITS)
    losses, n = -log_softmax(z), len(z)
    p = np.exp(-losses)
    shown = {
        "target": [0, n - 1, TARGET],
        "from_logits.0.customdata": losses,
        "from_logits.0.text": [(each,) for each in p],
        "from_logits.0.x": [f"token {i}" for i in range(n)],
        "from_logits.0.y": p,
        "from_logits_table.token": range(n),
        "from_logits_table.logit": z,
        "from_logits_table.power": np.exp(z - z.max()),
        "from_logits_table.probability": p,
        "from_logits_table.loss": losses,
    }
    said = [
        ("so the loss is", TARGET, p[TARGET], p[TARGET], losses[TARGET]),
        ("The loss looks at one bar only", n, 1),
    ]
    return said, shown


def of_probability(_: Reference) -> Expected:
    x = np.arange(1, 1001) / 1000
    marks = [CHANCE, 0.9, 0.5, 0.1]
    shown = {
        "chance.label": [f"{chance:g}" for chance in CHANCES],
        "curve.0.x": x,
        "curve.0.y": -np.log(x),
        "curve.1.text": [(p, -math.log(p)) for p in marks],
        "curve.1.x": marks,
        "curve.1.y": -np.log(marks),
        "curve_table.probability": x,
        "curve_table.loss": -np.log(x),
    }
    said = [
        ("as unsure as a choice between", CHANCE, -math.log(CHANCE), 1 / CHANCE),
        ("Half the probability always costs", math.log(2), len(x), 2, 0),
    ]
    return said, shown


def of_sentence(ref: Reference) -> Expected:
    n = ref.T - 1
    losses = -ref.log_p[range(n), ref.ids[1:]]
    means = np.cumsum(losses) / np.arange(1, n + 1)
    uniform = math.log(ref.V)
    columns = {
        "probability": np.exp(-losses),
        "loss": losses,
        "mean loss": means,
        "perplexity": np.exp(means),
    }
    shown = {
        "sentence.0.customdata": np.exp(-losses),
        "sentence.0.x": ref.named[1:],
        "sentence.0.y": losses,
        "sentence.1.customdata": np.exp(means),
        "sentence.1.x": ref.named[1:],
        "sentence.1.y": means,
        "sentence.2.name": [(uniform,)],
        "sentence.2.x": [ref.named[1], ref.named[-1]],
        "sentence.2.y": [uniform] * 2,
        "sentence.xaxis": ref.named,
        "sentence_table.position": range(1, ref.T),
        **{f"sentence_table.{name}": values for name, values in columns.items()},
    }
    said = [
        ("The mean loss of this text", means[-1], math.exp(means[-1]), ref.V),
        ("Each bar is the loss of one token", n),
    ]
    return said, shown


def of_next(ref: Reference) -> Expected:
    losses, token = -ref.log_p[-1], LETTERS.index(NEXT)
    order = np.argsort(losses).tolist()
    ids = [token, *(other for other in order if other != token)][:6]
    p, own = np.exp(-losses[ids]), losses[ids]
    ranks = [1 + order.index(each) for each in ids]
    shown = {
        "next_loss.0.customdata": np.stack((ranks, p), -1),
        "next_loss.0.text": [(each,) for each in p],
        "next_loss.0.x": range(len(ids)),
        "next_loss.0.y": own,
        "next_loss_table.id": ids,
        "next_loss_table.rank": ranks,
        "next_loss_table.probability": p,
        "next_loss_table.loss": own,
    }
    said = [
        ("came next, the loss would be", own[0], p[0], ranks[0], ref.V),
        ("The less a token was expected", f"logits[{ref.T - 1}]", ref.V, 1),
    ]
    return said, shown


TABS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "logits": (of_logits, "from_logits", {"logits": ", ".join(map(str, LOGITS)), "target": TARGET}),
    "curve": (of_probability, "curve", {"chance": CHANCE}),
    "sentence": (of_sentence, "sentence", {}),
    "next": (of_next, "next_loss", {"next": NEXT}),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    expected, key, chosen = TABS[tab]
    page = read("loss", [key], tab=tab, **chosen)
    page.holds((models.ref.around(0)[0], {}), expected(models.ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
