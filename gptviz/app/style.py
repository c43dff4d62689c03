"""The style sheet of every page: what it changes in Streamlit's, and the colours of pictures."""

from gptviz.app.theme import PALETTES, Scheme


def page_style(scheme: Scheme) -> str:
    """An element with rules for contrast, for terms and fine print, and colours as --gptviz-….

    Pictures that the browser draws itself see these colours, too. Contrast is that of the Web
    Content Accessibility Guidelines 2: 4.5 for text, 3 for marks that mean something.
    """
    colours = PALETTES[scheme]
    named = {
        "attn": colours.attn,
        "mlp": colours.mlp,
        "mark": colours.mark,
        "muted": colours.muted,
    }
    values = "".join(f" --gptviz-{name}: {value};" for name, value in named.items())
    return f"<style>:root {{{values} }}\n{_RULES}</style>"


_RULES = """
p:has(+ .fine-print) { margin-bottom: 0; }
.fine-print summary { display: inline-block; padding: 0.1rem 0.25rem; cursor: pointer; }
.fine-print summary::before { content: "▸ "; }
.fine-print[open] > summary::before { content: "▾ "; }
.fine-print summary:focus-visible { outline: 2px dashed currentColor; }
.st-key-save { position: absolute; }
a[href^="glossary#"]:focus-visible { outline: 2px dashed currentColor; }
a[href^="glossary#"] { color: inherit; text-decoration: underline dotted 2px; cursor: help; }
a[href^="glossary#"] { text-underline-offset: 3px; text-decoration-color: var(--gptviz-mark); }
a[href^="glossary#"]:focus-visible::after { content: " (" attr(title) ")"; }
"""
