"""Makes the curves of gptviz.jobs.build_up that ship: `python -m gptviz.jobs.ready_made`.

Each run is trained on the plays, one after another, and packed into the gallery of the models'
folder, where there must be none of its name; with names of presets, only those. Minutes for each.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from gptviz import checkpoints, jobs
from gptviz.jobs import shipping
from gptviz.jobs.build_up import READY_MADE
from gptviz.jobs.presets import Preset
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.tokenizers.baselines import SHAKESPEARE

EVERY = 25  # steps between two that are kept beside those with a validation


def make(presets: Iterable[Preset], root: Path, text: Path = SHAKESPEARE) -> list[Run]:
    """Train each preset on a text, and write its curve under root; the shipped runs.

    Raises as `worker.work` and `shipping.pack_curve`.
    """
    made = []
    for preset in presets:
        with TemporaryDirectory() as place:
            run = Run.create(Path(place) / preset.title, preset.on(text), preset.name)
            work(run)
            made.append(shipping.pack_curve(run, root / jobs.GALLERY / preset.name, every=EVERY))
    return made


if __name__ == "__main__":
    wanted = set(sys.argv[1:]) or {preset.name for preset in READY_MADE}
    for one in make((preset for preset in READY_MADE if preset.name in wanted), checkpoints.root()):
        print(one.folder)
