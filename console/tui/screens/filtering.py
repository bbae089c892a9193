"""Main screens whose lists a filter narrows, letter by letter."""

from __future__ import annotations

from typing import ClassVar

from console.errors import UsageError
from console.tui.screens.commanding import CommandScreen
from console.tui.text import Piece, Tone
from console.tui.widgets.prompt import Asking


class FilterScreen(CommandScreen):
    """A main screen with something that ``/`` narrows. Subclasses keep the filter and draw what passes it."""

    #: What may be typed, said beside the line it is typed on.
    FILTER_ADVICE: ClassVar[str] = "!text  -l key=value"

    @property
    def filtered_by(self) -> str:
        """The filter, as typed; empty where there is none."""
        raise NotImplementedError

    def narrow(self, text: str) -> None:
        """Show what passes a filter. Raises UsageError for one that makes no sense."""
        raise NotImplementedError

    def action_filter(self) -> None:
        """Open the filter."""
        asking = Asking("/", self.FILTER_ADVICE, self._filter_entered, self._filter_closed, typed=self._narrowed_to)
        self.prompt.open(asking, self.filtered_by)

    def _narrowed_to(self, text: str) -> bool:
        try:
            self.narrow(text)
        except UsageError as error:
            self.prompt.advise((Piece(error.hint, Tone.WARN),))
            return False
        self.prompt.advise((Piece(self.FILTER_ADVICE, Tone.DIM),))
        return True

    def _filter_entered(self, text: str) -> None:
        if self._narrowed_to(text):
            self.close_prompt()

    def _filter_closed(self) -> None:
        self._narrowed_to("")
        self.close_prompt()
