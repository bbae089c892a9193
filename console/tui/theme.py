"""How it looks: the themes, and the colour of each tone. Nothing is told by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from rich.style import Style as RichStyle
from textual.color import Color
from textual.theme import Theme

from console.errors import InputError
from console.tui.text import Tone

if TYPE_CHECKING:
    from console.settings import Settings

#: The theme the console opens in.
DEFAULT: Final = "netpol-night"

THEMES: Final[tuple[Theme, ...]] = (
    Theme(
        name="netpol-night",
        primary="#7aa2c8",
        secondary="#5d7f9e",
        accent="#7fc8c2",
        success="#8ec07c",
        warning="#e0b45c",
        error="#ee7b6f",
        foreground="#d5dae1",
        background="#11151b",
        surface="#161b23",
        panel="#1f2630",
        dark=True,
        variables={
            "border-blurred": "#465264",
            "input-cursor-background": "#d5dae1",
            "input-selection-background": "#7fc8c2 30%",
        },
    ),
    Theme(
        name="netpol-day",
        primary="#2f5f8f",
        secondary="#5b7fa3",
        accent="#0f6f6a",
        success="#2f6f24",
        warning="#8a5a00",
        error="#b3261e",
        foreground="#1f2630",
        background="#f5f3ee",
        surface="#ece9e2",
        panel="#dfdbd2",
        dark=False,
        variables={"border-blurred": "#b5afa3"},
    ),
)

#: The Textual style of each tone, for widgets that take Content.
STYLES: Final[Mapping[Tone, str]] = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.DIM: "$foreground 58%",
    Tone.ACCENT: "$accent",
    Tone.KEY: "$primary",
    Tone.GOOD: "$success",
    Tone.BAD: "bold $error",
    Tone.WARN: "$warning",
}


class Band(Enum):
    """What lies behind a whole line."""

    CURSOR = "cursor"
    RESTING = "resting"  # the cursor of a pane without the focus
    MARKED = "marked"


def bands(variables: Mapping[str, str], background: Color) -> dict[Band, RichStyle]:
    """The rich style of each band on a background, from a theme's variables."""
    parts = ((Band.CURSOR, "primary", 0.3), (Band.RESTING, "foreground", 0.09), (Band.MARKED, "warning", 0.15))
    return {
        band: RichStyle(
            bgcolor=background.blend(Color.parse(variables[name]), share).rich_color, bold=band is Band.CURSOR or None
        )
        for band, name, share in parts
    }


def tones(variables: Mapping[str, str], background: Color) -> dict[Tone, RichStyle]:
    """The rich style of each tone on a background, from a theme's variables (``App.theme_variables``)."""
    foreground = Color.parse(variables["foreground"])
    named = {
        Tone.ACCENT: Color.parse(variables["accent"]),
        Tone.KEY: Color.parse(variables["primary"]),
        Tone.GOOD: Color.parse(variables["success"]),
        Tone.BAD: Color.parse(variables["error"]),
        Tone.WARN: Color.parse(variables["warning"]),
        Tone.DIM: background.blend(foreground, 0.58),
    }
    bold = (Tone.STRONG, Tone.BAD)
    return {tone: RichStyle(color=named.get(tone, foreground).rich_color, bold=tone in bold or None) for tone in Tone}


def known_theme(settings: Settings, available: Iterable[str]) -> str:
    """The theme of the settings, or the default. Raises InputError for one that is not available."""
    name = settings.theme or DEFAULT
    known = list(available)
    if name not in known:
        raise InputError(f"{settings.place('theme')}: there is no theme {name!r}", hint=f"themes: {', '.join(known)}")
    return name
