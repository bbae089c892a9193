"""The verdict: the largest thing on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Static

from console.policy.verdict import Outcome
from console.tui import draw
from console.tui.text import Line, cleaned, wrap


class AnswerBox(Static):
    """The outcome and why in one sentence, what last changed it; tinted by the outcome, which the words tell too."""

    DEFAULT_CSS = """
    AnswerBox {
        height: auto; max-height: 6; padding: 0 1;
        border-left: thick $foreground 30%; background: $foreground 6%;
    }
    AnswerBox.-allowed { border-left: thick $success; background: $success 12%; }
    AnswerBox.-blocked { border-left: thick $error; background: $error 14%; }
    AnswerBox.-partial, AnswerBox.-unknown { border-left: thick $warning; background: $warning 12%; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._said: Sequence[Line] = ()
        self._fitted = 0

    def show(self, lines: Sequence[Line], outcome: Outcome | None) -> None:
        """Show lines, in the colour of an outcome."""
        for each in Outcome:
            self.set_class(each is outcome, f"-{each.value}")
        if lines != self._said:
            self._said, self._fitted = lines, 0
            self._fit()

    @property
    def text(self) -> str:
        """What it says."""
        return "\n".join("".join(piece.text for piece in line).strip() for line in self._said)

    def _fit(self) -> None:
        cells = self.content_region.width
        if cells <= 0 or cells == self._fitted:
            return
        self._fitted = cells
        laid = [part for line in self._said for part in wrap(cleaned(line), cells, indent=_hang(line))]
        self.update(draw.contents(laid))

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._fit()


def _hang(line: Line) -> int:
    """Under the first word of the sentence, behind the outcome."""
    return len(line[0].text) + 2 if len(line) > 1 and line[1].text.isspace() else 2
