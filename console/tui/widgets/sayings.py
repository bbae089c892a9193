"""What is said in passing, in the corner, for a few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.notifications import Notification
from textual.timer import Timer
from textual.widgets import Static

#: How many are mounted from the beginning, and how many lines one takes at least.
_FIRST: Final = 2
_LINES: Final = 4


class Saying(Static, inherit_css=False):
    """One of them; a click takes it away."""

    DEFAULT_CSS = """
    Saying {
        display: none; visibility: visible; width: 60; max-width: 50%; height: auto; margin-top: 1; padding: 1 1;
        background: $panel-lighten-1; border-left: outer $success;
    }
    Saying.-warning { border-left: outer $warning; }
    Saying.-error { border-left: outer $error; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: Notification | None = None

    def show(self, said: Notification | None) -> None:
        """Show one, or nothing."""
        if said is not self._said:
            self._said = said
            if said is not None:
                self.set_classes(f"-{said.severity}")
                self.update(Content(said.message))
            self.display = said is not None

    def on_click(self) -> None:
        """Forget it."""
        if self._said is not None:
            self.app._unnotify(self._said)


class Sayings(Vertical, inherit_css=False):
    """The newest at the bottom, as many as there is room for. They are mounted once, and then only shown and hidden."""

    DEFAULT_CSS = """
    Sayings {
        display: none; visibility: hidden; layer: _toastrack; dock: bottom; width: 1fr; height: auto;
        layout: vertical; align: right bottom; margin-bottom: 1;
    }
    """

    def __init__(self) -> None:
        super().__init__(id="sayings")
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Room for the first."""
        for _ in range(_FIRST):
            yield Saying()

    def show(self, said: Sequence[Notification]) -> None:
        """Show these, until their time is over."""
        said = said[-max(self.screen.outer_size.height // _LINES, 1) :]
        places = list(self.query_children(Saying))
        more = [Saying() for _ in said[len(places) :]]
        if more:
            self.mount_all(more)
            places += more
        for place, each in zip(places, (*said, *[None] * (len(places) - len(said))), strict=True):
            place.show(each)
        self.display = bool(said)
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if said:
            self._timer = self.set_timer(max(min(each.time_left for each in said), 0), self.app._refresh_notifications)
