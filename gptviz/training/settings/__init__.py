"""Everything that a run can be told, once: what each setting is called, takes and means.

The checks of TrainingConfig and GPTConfig, the options and the help of `gptviz train`, its files
in TOML and the form on the training page are made of it. The defaults stand in the dataclasses.
"""

from dataclasses import dataclass

from gptviz.setting import Setting
from gptviz.shape import SHAPE
from gptviz.training.settings.learning import COPYING, LEARNING
from gptviz.training.settings.text import TEXT
from gptviz.training.settings.watching import WATCHING


@dataclass(frozen=True)
class Group:
    """Settings that belong together."""

    title: str
    example: str  # options of `gptviz train` that set some of them
    settings: tuple[Setting, ...]


GROUPS = (
    Group("The text", "--data poems.txt --tokenizer bpe", TEXT),
    Group("The model", "--n-layer 6 --n-head 6 --n-embd 192", SHAPE),
    Group("How it learns", "--steps 5000 --learning-rate 3e-4 --schedule linear", LEARNING),
    Group("Practising to copy", "--copy-steps 500 --repeat-share 0.125", COPYING),
    Group("Watching it", "--sample-interval 100 --patience 5", WATCHING),
)
SETTINGS = {setting.name: setting for group in GROUPS for setting in group.settings}
OF_THE_MODEL = frozenset(setting.name for setting in SHAPE)
OF_THE_RUN = tuple(setting for name, setting in SETTINGS.items() if name not in OF_THE_MODEL)

# One setting that stands for three.
DROPOUT = Setting(
    name="dropout",
    kind=float,
    least=0,
    below=1,
    step=0.05,
    label="Dropout",
    sentence="Share of the numbers that are left out at random while learning, so that the model "
    "does not learn the text by heart. It sets all three places at once.",
    advice="0 for a long text.",
)
DROPOUTS = ("embd_pdrop", "attn_pdrop", "resid_pdrop")
# Fields that nobody sets, and why.
DERIVED = {
    "model": "it holds the settings of the model, which are named one by one",
    "vocab_size": "the tokenizer decides it",
    "n_inner": "only models that were trained elsewhere have another width inside the MLP",
    "scale_attn_weights": "only models that were trained elsewhere leave the division by √d out",
    "scale_attn_by_inverse_layer_idx": "only models that were trained elsewhere divide by more",
}
