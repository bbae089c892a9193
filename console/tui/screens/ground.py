"""What all our screens do alike: they come to the front with little work, and show what is said in passing.

Textual styles, lays out and draws a screen anew, some of it several times over, whenever
another gives way to it: with sixty widgets that is most of what such a key takes.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.geometry import Size
from textual.notifications import Notification
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets._toast import ToastRack

from console.tui.widgets.sayings import Sayings


class Ground(Screen[ScreenResultType], inherit_bindings=False):
    """A screen that is made once and shown often."""

    #: What has the focus. The widgets that gain and lose it are drawn anew; Textual draws all of the screen.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    #: What its styles were last applied for, all at once: the theme, and whether the terminal has the focus.
    _styled: tuple[int, bool] | None = None

    def tell(self, notifications: Iterable[Notification]) -> None:
        """Show what is said in passing."""
        for sayings in self.query_children(Sayings):
            sayings.show(list(notifications))

    def _extend_compose(self, widgets: list[Widget]) -> None:
        """Our sayings take the place of Textual's: those are mounted one by one, and laid out three times each."""
        super()._extend_compose(widgets)
        widgets[:] = [Sayings() if isinstance(each, ToastRack) else each for each in widgets]

    def on_mount(self) -> None:
        """Its widgets are styled as they are mounted."""
        self._styled = self._style

    @property
    def _style(self) -> tuple[int, bool]:
        return self.app._css_update_count, self.app.app_focus

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Style it only where that could come to something else: what changes by itself is styled then."""
        if self._styled == self._style:
            event.refresh_styles = False
        elif event.refresh_styles:
            self._styled = self._style

    def _screen_resized(self, size: Size) -> None:
        """Lay it out for a size it does not have yet; what else needs a layout asks for it."""
        if size != self.outer_size:
            super()._screen_resized(size)

    def _on_timer_update(self) -> None:
        """Draw what was asked for; what is laid out and drawn as a whole is drawn once, not first where it moved."""
        if self._layout_required and self._repaint_required and self.is_current and not self.app._batch_count:
            self._repaint_required = False
            self._compositor._dirty_regions.add(self.outer_size.region)
        super()._on_timer_update()

    async def _invoke_and_clear_callbacks(self) -> None:
        """What is to come after a frame comes after it, too, where drawing is held back while screens change."""
        if not (self.is_current and self.app._batch_count):
            await super()._invoke_and_clear_callbacks()


class Cover(Ground[ScreenResultType], ModalScreen[ScreenResultType], inherit_bindings=False):
    """A screen that lies over another. It is kept when it is closed, and shows something else the next time.

    Subclasses are told what to show, say so by `renew`, and show it in `begin`.
    """

    #: Whether its widgets are there to show something.
    _together = False

    def on_mount(self) -> None:
        """Show what it was told before it was put together."""
        self._together = True
        self.begin()

    def renew(self) -> None:
        """Show what it was told, now or as soon as it is put together."""
        if self._together:
            self.begin()

    def begin(self) -> None:
        """Show what it was told."""
