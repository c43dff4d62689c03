"""What each page has to show, out of transformers and numpy alone."""

from accounts import (
    attention,
    by_hand,
    compare,
    embeddings,
    layer_norms,
    mlp,
    overview,
    patching,
    residual,
    sampling,
    tokens,
    what_if,
)

PAGES = (
    *(overview, tokens, embeddings, attention, layer_norms, mlp, residual, sampling),
    *(patching, what_if, compare, by_hand),
)
VIEWS = {
    f"{page.__name__.rpartition('.')[2]} {name}": look
    for page in PAGES
    for name, look in page.VIEWS.items()
}
