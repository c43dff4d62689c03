"""The style sheet of every page: what it changes in Streamlit's, and the colours of pictures."""

from gptviz.app.theme import PALETTES, Scheme


def page_style(scheme: Scheme) -> str:
    """An element with rules for contrast, for terms and fine print, and the colours of a scheme.

    Contrast is that of the Web Content Accessibility Guidelines 2: 4.5 for text, 3 for marks that
    mean something.
    """
    return f"<style>:root {{ {colours(scheme)} }}\n{_RULES}</style>"


def colours(scheme: Scheme) -> str:
    """The palette's colours as --gptviz-…, for pictures that the browser draws itself."""
    palette = PALETTES[scheme]
    named = {
        "attn": palette.attn,
        "mlp": palette.mlp,
        "mark": palette.mark,
        "muted": palette.muted,
    }
    return " ".join(f"--gptviz-{name}: {value};" for name, value in named.items())


_RULES = """
p:has(+ .fine-print) { margin-bottom: 0; }
.fine-print summary { display: inline-block; padding: 0.1rem 0.25rem; cursor: pointer; }
.fine-print summary::before { content: "▸ "; }
.fine-print[open] > summary::before { content: "▾ "; }
.fine-print summary:focus-visible { outline: 2px dashed currentColor; }
.st-key-save { position: absolute; max-width: 1px; }
@media (max-width: 640px) {
  .stMain [data-testid="stMarkdownContainer"] table { font-size: 16px; }
  .stMain [data-testid="stMarkdownContainer"] :is(th, td) { padding: 4px 6px; }
}
a[href^="glossary#"]:focus-visible { outline: 2px dashed currentColor; }
a[href^="glossary#"] { color: inherit; text-decoration: underline dotted 2px; cursor: help; }
a[href^="glossary#"] { text-underline-offset: 3px; text-decoration-color: var(--gptviz-mark); }
a[href^="glossary#"]:focus-visible::after { content: " (" attr(title) ")"; }
"""
