"""Every setting of a GPT's shape, once: what it means, and the values that it takes."""

from gptviz.setting import Setting

VOCAB_SIZE = Setting(
    name="vocab_size",
    kind=int,
    least=1,
    unit="tokens",
    label="Vocabulary",
    sentence="How many different tokens the model knows; its tokenizer decides that.",
)
SHAPE = (
    Setting(
        name="n_layer",
        kind=int,
        least=0,
        label="Layers",
        sentence="The blocks that a text passes through, one after another. Without any, only the "
        "last token counts.",
        advice="2 to 6 learn in minutes on a processor.",
    ),
    Setting(
        name="n_head",
        kind=int,
        least=1,
        label="Heads",
        sentence="Attention heads in each block. The width must be divisible by their number.",
    ),
    Setting(
        name="n_embd",
        kind=int,
        least=1,
        step=16,
        label="Width",
        sentence="How many numbers stand for one token.",
        advice="64 to 384 for a small model.",
    ),
    Setting(
        name="block_size",
        kind=int,
        least=1,
        step=16,
        unit="tokens",
        label="Context",
        sentence="How many tokens the model reads at once.",
        advice="64 to 256 for a small model.",
    ),
    Setting(
        name="norm",
        kind=str,
        choices={
            "pre": "before each part (GPT-2)",
            "post": "after each part (2017)",
            "none": "none",
        },
        label="Layer norms",
        sentence="Where the vectors are brought to one scale. Anything but GPT-2's way is harder "
        "to train.",
    ),
    Setting(
        name="position",
        kind=str,
        choices={"learned": "learnt (GPT-2)", "sinusoidal": "waves (2017)", "none": "none"},
        label="Positions",
        sentence="How the model knows where a token stands. Choose none to see what that costs.",
    ),
    Setting(
        name="attention",
        kind=bool,
        label="Attention",
        sentence="Whether the blocks have attention. Without it, no token learns anything of those "
        "before it.",
        rare=True,
    ),
    Setting(
        name="mlp",
        kind=bool,
        label="MLP",
        sentence="Whether the blocks have an MLP. Without it, tokens only gather from each other.",
        rare=True,
    ),
    Setting(
        name="residual",
        kind=bool,
        label="Shortcuts",
        sentence="Whether each part adds to the vector that it reads, in place of replacing it. "
        "GPT-2 does so; without them deep networks hardly learn.",
        rare=True,
    ),
    Setting(
        name="embd_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of embeddings",
        sentence="Share of the numbers that are set to 0 at random as a text enters the model.",
        rare=True,
    ),
    Setting(
        name="attn_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of attention",
        sentence="Share of the attention weights that are set to 0 at random.",
        rare=True,
    ),
    Setting(
        name="resid_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of results",
        sentence="Share of the numbers that are set to 0 at random in what attention and MLP add.",
        rare=True,
    ),
    Setting(
        name="activation",
        kind=str,
        choices={
            "gelu_tanh": "GELU, approximate (GPT-2)",
            "gelu": "GELU, exact",
            "relu": "ReLU (2017)",
        },
        label="Activation",
        sentence="The curve that each number in the middle of an MLP passes through.",
        rare=True,
    ),
    Setting(
        name="layer_norm_epsilon",
        kind=float,
        above=0,
        step=1e-6,
        label="Epsilon of layer norms",
        sentence="A tiny number that keeps a layer norm from dividing by 0.",
        rare=True,
    ),
    Setting(
        name="qkv_bias",
        kind=bool,
        label="Biases of queries, keys and values",
        sentence="Whether a learnt number is added to each number of the queries, keys and values. "
        "GPT-2 does so.",
        rare=True,
    ),
    Setting(
        name="tie_weights",
        kind=bool,
        label="Tied weights",
        sentence="Whether one matrix both turns tokens into vectors and vectors into predictions. "
        "GPT-2 does so; it saves memory.",
        rare=True,
    ),
)
