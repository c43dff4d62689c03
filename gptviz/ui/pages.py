"""The pages, in the order in which a prompt passes them, and the stages of the path."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page: its name in the URL and in the code, its file, and the words at its top."""

    name: str
    file: str
    title: str
    sentence: str


PAGES = {
    page.name: page
    for page in (
        Page(
            "overview",
            "app.py",
            "Overview",
            "How the model reads your text and guesses the next token, in one picture.",
        ),
        Page(
            "tokens",
            "pages/tokens.py",
            "Tokens",
            "The model does not read letters. It reads tokens: pieces of text with a number each.",
        ),
        Page(
            "embeddings",
            "pages/embeddings.py",
            "Embeddings",
            "Each token becomes a vector: a list of numbers. Tokens used alike get vectors alike.",
        ),
        Page(
            "attention",
            "pages/attention.py",
            "Attention",
            "At each layer, every token looks back at earlier tokens and gathers what it needs.",
        ),
        Page(
            "layer_norms",
            "pages/layer_norms.py",
            "Layer norms",
            "Layer norms bring each token's vector to one scale: mean 0, variance 1, then a "
            "learnt γ and β.",
        ),
        Page(
            "sampling",
            "pages/sampling.py",
            "Sampling",
            "The model gives every token a probability. The dice decide, and you can load them.",
        ),
        Page(
            "training",
            "pages/training.py",
            "Training",
            "A model begins with random numbers. It guesses the next token, sees how wrong it was, "
            "corrects every number a little, and again.",
        ),
    )
}

# Each stage of the path: the word under the picture, and the page that explains it.
STAGES = (
    ("tokens", "tokens"),
    ("embeddings", "embeddings"),
    ("attention", "attention"),
    ("MLP", "overview"),
    ("final norm", "layer_norms"),
    ("logits", "sampling"),
    ("probabilities", "sampling"),
)
