"""Light, dark or as the system: chosen in the browser, and kept there."""

from gptviz.app import component
from gptviz.app.theme import PALETTES, Scheme

COMPONENT = component.register(__file__, '<div class="themes"></div>')


def theme_menu(scheme: Scheme) -> None:
    """Three buttons, of which the browser marks the one that is chosen.

    scheme: what this run draws for; where the browser has come to show another, it asks for a run.
    """
    COMPONENT(
        key="theme_menu",
        data={
            "title": "Theme",
            "names": {"light": "Light", "dark": "Dark", "system": "System"},
            "drawn": PALETTES[scheme].background,
        },
        on_shown_change=lambda: None,
    )
