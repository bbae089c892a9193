"""The path of a connection as a tree one walks: its branches open down to the clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from console.tui import keys
from console.tui.model.nodes import Folds, Key, Node, Shown, flatten
from console.tui.text import Line, Piece, Tone, cleaned, wrap
from console.tui.widgets.cursor import CursorView

#: A branch is never pushed further to the right than this, in cells.
_DEEPEST = 14


class PathTree(CursorView):
    """Draws nodes over as many lines as they need; keeps folds and the cursor when the tree changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.TREE)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._roots: Sequence[Node] = ()
        self._shown: list[Shown] = []
        self._laid: list[list[Line]] = []
        self._folds = Folds()
        self._laid_cells = 0

    def show(self, roots: Sequence[Node], *, anew: bool, start: Key | None = None) -> None:
        """Show a tree. `anew`: it is another question, so folds and cursor begin afresh (on `start`)."""
        self._roots = roots
        if anew:
            self._folds = Folds()
            self.cursor = 0
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._lay()
        if anew and start is not None:
            self.move_to(start)

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return self._shown[self.cursor].node if self.cursor < len(self._shown) else None

    @property
    def lines(self) -> list[str]:
        """All lines shown, as text."""
        return ["".join(piece.text for piece in line).rstrip() for laid in self._laid for line in laid]

    def _lay(self) -> None:
        self._shown = flatten(self._roots, self._folds)
        cells = self.cells
        self._laid_cells = cells
        self._laid = [_laid(shown, cells) for shown in self._shown] if cells else [[()] for _ in self._shown]
        self.put([shown.node.key for shown in self._shown], [len(lines) for lines in self._laid])

    def paint(self, index: int, line: int, cells: int) -> Line:  # noqa: ARG002
        """A line of a node, with a bar where the cursor is."""
        mark = Piece("▌" if index == self.cursor else " ", Tone.ACCENT)
        return (mark, *self._laid[index][line])

    def on_resize(self) -> None:
        """Wrap for the new width."""
        if self.cells != self._laid_cells:
            self._lay()
        super().on_resize()

    def action_choose(self) -> None:
        """Open or close the node under the cursor."""
        if self.node is not None and self.node.branches is not None:
            self._fold(self.cursor, not self._shown[self.cursor].open)
        else:
            super().action_choose()

    def _fold(self, place: int, opened: bool) -> None:
        self._folds.set(self._shown[place].node, opened)
        self._lay()
        self.show_cursor()

    def action_unfold(self) -> None:
        """Open the node, or go to its first branch."""
        shown = self._shown[self.cursor] if self._shown else None
        if shown is None or shown.node.branches is None:
            return
        if shown.open:
            self.action_move(1)
        else:
            self._fold(self.cursor, True)

    def action_fold(self) -> None:
        """Close the node, or go to the one it belongs to."""
        shown = self._shown[self.cursor] if self._shown else None
        if shown is None:
            return
        if shown.open:
            self._fold(self.cursor, False)
        elif shown.parent is not None:
            self._go(shown.parent)

    def action_unfold_all(self) -> None:
        """Open everything."""
        self._folds.open_all()
        self._lay()
        self.show_cursor()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the fold mark, or a second one, it opens or closes."""
        event.prevent_default()
        offset = event.get_content_offset(self)
        if offset is None or not self._shown or offset.y + self.scroll_offset.y >= self._lines or self.on_bar(event):
            return
        place = self._at(offset.y + self.scroll_offset.y)
        self._go(place)
        fold_at = 1 + _indent(self._shown[place].depth)
        if event.chain == 2 or fold_at <= offset.x <= fold_at + 1:
            self.action_choose()


def _indent(depth: int) -> int:
    return min(depth * 2, _DEEPEST)


def _laid(shown: Shown, cells: int) -> list[Line]:
    node = shown.node
    indent = _indent(shown.depth)
    fold = "  " if node.branches is None else "▾ " if shown.open else "▸ "
    line = (Piece(" " * indent), Piece(fold, Tone.DIM), *cleaned(node.line))
    return wrap(line, max(cells - 1, 8), indent=indent + 4)
