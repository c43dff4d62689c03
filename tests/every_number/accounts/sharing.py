"""The page Sharing the matrix: a logit as the product of two vectors, number by number."""

import numpy as np

from accounts.common import Models, Read, chips
from accounts.reference import LETTERS, norm

AT, TOKENS = 7, 20  # the likeliest, of which one is chosen


def look(read: Read, models: Models) -> None:
    """The whole page, for the likeliest token."""
    ref = models.ref
    logits, wte, x = ref.x["logits"][AT], ref.weight("wte.weight"), ref.x["ln_f"][AT]
    order = np.argsort(-logits)[:TOKENS]
    token = int(order[0])
    vector = wte[token]
    products = x * vector
    by_size = np.argsort(-np.abs(products), kind="stable")
    lengths = norm(x), norm(vector)
    cosine = products.sum() / lengths[0] / lengths[1]
    shown = {
        **chips("position_chips", ref.T, AT),
        "for_token.label": [f"{LETTERS[i].replace(' ', '·')}  (id {i})" for i in order],
        "products.0.customdata": [(x[i], vector[i]) for i in by_size],
        "products.0.text": [(value,) for value in (*products[by_size], logits[token])],
        "products.0.x": [str(i) for i in by_size],
        "products.0.y": [*products[by_size], logits[token]],
        "products_table.dimension": by_size,
        "products_table.output": x[by_size],
        "products_table.token": vector[by_size],
        "products_table.product": products[by_size],
    }
    whole = products.sum()
    said = [
        ("the vector that comes out has the length", AT, *lengths, cosine, *lengths, cosine, whole),
        ("Each bar is the product of two numbers", f"ln_f[{AT}] · wte.weight[{token}]", ref.C),
        ("products sum to", ref.C, whole, f"logits[{AT}, {token}]", logits[token]),
    ]
    page = read("sharing", ["products"], position=AT)
    page.holds((ref.around(AT)[0], {}), (said, shown))


VIEWS = {"products": look}
