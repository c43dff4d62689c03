"""Settings of what is measured, written and kept while a model learns."""

from gptviz.setting import Setting

WATCHING = (
    Setting(
        name="eval_interval",
        kind=int,
        least=1,
        step=10,
        unit="steps",
        label="Validate every",
        sentence="Steps between two validations, which are looks at text that is never trained "
        "on. Each keeps a checkpoint.",
    ),
    Setting(
        name="patience",
        kind=int,
        least=0,
        unit="validations",
        label="Patience",
        sentence="After how many validations in a row without a new best one the run ends early. "
        "Its best checkpoint is kept. 0: never.",
        advice="3 to 10.",
    ),
    Setting(
        name="sample_interval",
        kind=int,
        least=0,
        step=50,
        unit="steps",
        label="Write every",
        sentence="Steps between two sample texts, by which you see what it has learnt. 0: none.",
    ),
    Setting(
        name="snapshots",
        kind=int,
        least=0,
        most=100,
        label="Snapshots",
        sentence="How many models are kept along the way for the time machine, most of them of "
        "the first steps, where much changes. 0: none.",
    ),
    Setting(
        name="sample_prompt",
        kind=str,
        label="Beginning of samples",
        sentence="The text that each sample goes on from. A line break alone leaves the choice to "
        "the model.",
        rare=True,
    ),
    Setting(
        name="sample_tokens",
        kind=int,
        least=1,
        step=10,
        unit="tokens",
        label="Length of samples",
        sentence="How many tokens each sample has.",
        rare=True,
    ),
    Setting(
        name="eval_windows",
        kind=int,
        least=1,
        unit="windows",
        label="Validation windows",
        sentence="How many windows of the held-out text a validation reads: more make it more "
        "exact and slower.",
        rare=True,
    ),
    Setting(
        name="detail_interval",
        kind=int,
        least=0,
        unit="steps",
        label="Measure layers every",
        sentence="Steps between two measurements of how large the gradients, weights and "
        "corrections of each layer are. 0: none.",
        rare=True,
    ),
)
