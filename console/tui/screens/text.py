"""Text over the whole screen: YAML, notices, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from console.tui import draw, keys
from console.tui.screens.ground import Cover
from console.tui.text import Line
from console.tui.widgets.chrome import Foot
from console.tui.widgets.pane import TextPane

Laid = Callable[[int], Sequence[tuple[Line, bool]]]


class TextScreen(Cover[None], inherit_bindings=False):
    """Lines that scroll, in a box with a title."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.MODAL)]
    DEFAULT_CSS = """
    TextScreen { background: $background; }
    TextScreen #box { border: round $accent; padding: 0 1; height: 1fr; }
    TextScreen TextPane { height: 1fr; }
    """

    def __init__(self, title: str, content: Sequence[Line] | Laid) -> None:
        super().__init__()
        self._title = title
        self._content = content

    def compose(self) -> ComposeResult:
        """The box and the keys."""
        with Vertical(id="box") as box:
            draw.title(box, self._title)
            yield TextPane(id="text")
        yield Foot()

    def on_mount(self) -> None:
        """Show it."""
        pane = self.query_one(TextPane)
        if callable(self._content):
            pane.show_laid(self._content, seek=True)
        else:
            pane.show(self._content)
        pane.focus()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


class YamlScreen(TextScreen):
    """YAML, which can be copied."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.YAML)]

    def __init__(self, title: str, content: Laid, text: str, copy: Callable[[str, str], None]) -> None:
        super().__init__(title, content)
        self._text = text
        self._copy = copy

    def action_copy(self) -> None:
        """Copy all of it."""
        self._copy(self._text, "the YAML")
