"""What each page has to show, out of transformers and numpy alone."""

from collections.abc import Callable, Iterable
from types import ModuleType

from accounts import (
    anatomy,
    attention,
    build_up,
    by_hand,
    byte_pairs,
    compare,
    debugging,
    downhill,
    dropout,
    embeddings,
    experiments,
    failures,
    gelu_and_relu,
    glossary,
    gradients,
    health,
    induction,
    layer_norms,
    loss,
    mlp,
    one_layer,
    overview,
    patching,
    positions,
    residual,
    root_d,
    sampling,
    sampling_expert,
    scaling,
    schedules,
    sharing,
    shortcuts,
    time_machine,
    tokens,
    training,
    what_if,
)

PAGES = (
    *(overview, tokens, embeddings, attention, layer_norms, mlp, residual, sampling),
    *(sampling_expert, patching, what_if, compare, by_hand),
)
IN_APP_TEST = (
    glossary,
    anatomy,
    gelu_and_relu,
    loss,
    dropout,
    root_d,
    sharing,
    downhill,
    one_layer,
    positions,
    schedules,
    shortcuts,
    scaling,
    byte_pairs,
    debugging,
    build_up,
)  # the browser is not asked for these
OF_A_RUN = (time_machine, induction, gradients, training)
OF_RUNS = (health, experiments, failures)  # each with a folder of its own


def views(pages: Iterable[ModuleType]) -> dict[str, Callable[..., None]]:
    """What to look at on some pages, by the names of tests."""
    return {
        f"{page.__name__.rpartition('.')[2]} {name}": look
        for page in pages
        for name, look in page.VIEWS.items()
    }


VIEWS, APP_VIEWS, RUN_VIEWS = views(PAGES), views(IN_APP_TEST), views(OF_A_RUN)
HEALTH_VIEWS, EXPERIMENT_VIEWS, FAILURE_VIEWS = (page.VIEWS for page in OF_RUNS)
