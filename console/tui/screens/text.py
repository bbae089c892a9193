"""Text over the whole screen: YAML, notices, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from console.tui import draw, keys
from console.tui.screens.ground import Cover
from console.tui.text import Line
from console.tui.widgets.chrome import Foot
from console.tui.widgets.pane import TextPane

if TYPE_CHECKING:
    from console.tui.stage import Stage

Laid = Callable[[int], Sequence[tuple[Line, bool]]]


class TextScreen(Cover[None], inherit_bindings=False):
    """Lines that scroll, in a box with a title."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.MODAL)]
    DEFAULT_CSS = """
    TextScreen { background: $background; }
    TextScreen #box { border: round $accent; padding: 0 1; height: 1fr; }
    TextScreen TextPane { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._title = ""
        self._content: Sequence[Line] | Laid = ()

    def compose(self) -> ComposeResult:
        """The box and the keys."""
        with Vertical(id="box"):
            yield TextPane(id="text")
        yield Foot()

    def present(self, title: str, content: Sequence[Line] | Laid) -> Self:
        """Show this when it is opened, from the beginning or from the lines that are marked."""
        self._title, self._content = title, content
        self.renew()
        return self

    def begin(self) -> None:
        """See Cover."""
        draw.title(self.query_one("#box"), self._title)
        pane = self.query_one(TextPane)
        if callable(self._content):
            pane.show_laid(self._content, keep=False, seek=True)
        else:
            pane.show(self._content, keep=False)
        pane.focus()

    @property
    def stage(self) -> Stage:
        """The app."""
        return cast("Stage", self.app)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


class YamlScreen(TextScreen):
    """YAML, which can be copied."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.YAML)]

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def present_yaml(self, title: str, content: Laid, text: str) -> Self:
        """Show this; `text` is what is copied of it."""
        self._text = text
        return self.present(title, content)

    def action_copy(self) -> None:
        """Copy all of it."""
        self.stage.copy(self._text, "the YAML")
