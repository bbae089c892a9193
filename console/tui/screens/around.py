"""From here, to here: all an end reaches, all that reaches it, and its blast radius; each edge leads to Simulate."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from console.tui import draw, keys
from console.tui.model import around
from console.tui.model.around import Around
from console.tui.model.frame import Frame
from console.tui.model.nodes import Node
from console.tui.model.waiting import waiting
from console.tui.screens.commanding import CommandScreen
from console.tui.screens.start import WIDE
from console.tui.survey import Wanted
from console.tui.text import Piece, Tone
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.tree import PathTree


class AroundScreen(CommandScreen):
    """Three trees. Where there is no room for all, the one in focus has it."""

    NAME = "around"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.AROUND)]
    DEFAULT_CSS = """
    AroundScreen #both { height: 3fr; }
    AroundScreen PathTree { width: 1fr; border: round $border-blurred; border-title-color: $foreground; }
    AroundScreen PathTree:focus { border: round $accent; }
    AroundScreen #hops { height: 2fr; }
    """
    #: Lower than this, one tree is shown at a time.
    TALL = 28

    def __init__(self) -> None:
        super().__init__()
        self._trail: list[str] = []
        self._subject = ""
        #: The subject, what was found of it, and what else was drawn.
        self._drawn: tuple[object, ...] = ()

    def body(self) -> ComposeResult:
        """The trees."""
        with Horizontal(id="both", classes="bare"):
            yield PathTree(id="onward")
            yield PathTree(id="inward")
        yield PathTree(id="hops")

    def tree_of(self, id: str) -> PathTree:
        """One of them."""
        return self.query_one(f"#{id}", PathTree)

    def panes(self) -> list[Widget]:
        """From here, to here, several hops."""
        return [self.tree_of(each) for each in ("onward", "inward", "hops")]

    def arrange_panes(self) -> None:
        """All where there is room; narrower one of the first two, lower those or the last."""
        wide, tall = self.size.width >= WIDE, self.size.height >= self.TALL
        onward, inward, hops = self.panes()
        page = self.pane or onward
        self.query_one("#both").display = tall or page is not hops
        hops.display = tall or page is hops
        inward.display = wide or page is inward
        onward.display = wide or page is not inward

    @property
    def wanted(self) -> Wanted:
        """What lies around the subject."""
        return Wanted(around=self._subject)

    def take(self) -> None:
        """Look around what the session says."""
        asked = self.session.around
        if asked != self._subject:
            self._trail.clear()
            self._subject = asked

    @property
    def found(self) -> Around | None:
        """The newest answer about the subject; None while there is none."""
        found = self.console.findings.around
        return found if found is not None and found.subject == self._subject else None

    def draw(self, frame: Frame) -> None:
        """The trees, if there is something new to say."""
        findings = self.console.findings
        found = self.found
        state = self._subject, found, findings.error, findings.trouble, frame.status.state
        if state == self._drawn:
            return
        drawn = self._drawn
        anew = not drawn or drawn[0] != self._subject or drawn[1] is None
        onward, inward, hops = (self.tree_of(each) for each in ("onward", "inward", "hops"))
        error = findings.error if findings.wanted.around == self._subject else None
        if not anew and found is None and error is None and not findings.trouble:
            # One comes back to where one was: that stays, and says what it is, until it is worked out again.
            for view in (onward, inward, hops):
                draw.title(view, "◌ as of before, working it out again …")
            self._drawn = drawn[:2]
            return
        self._drawn = state
        if found is None:
            draw.title(onward, f"Around {self._subject}")
            lines = waiting(frame, trouble=findings.trouble, error=error, rescue_keys=self.rescue_keys())
            onward.show([Node(("wait", n), line) for n, line in enumerate(lines)], anew=True)
            for view in (inward, hops):
                draw.title(view, "")
                view.show((), anew=True)
            return
        behind = f" · ✗ not current: {findings.trouble}" if findings.trouble else ""
        for view, outgoing in ((onward, True), (inward, False)):
            draw.title(view, f"{around.title(found, onward=outgoing)}{behind}", found.subject)
            view.show(around.tree(found, onward=outgoing), anew=anew)
        if found.blast is None:
            opens = found.end.service is None
            says = (
                "◌ working out the hops …" if opens else "A Service opens no connections: ask for the pods behind it."
            )
            draw.title(hops, "Blast radius")
            hops.show([Node(("wait",), (Piece(says, Tone.DIM),))], anew=True)
        else:
            draw.title(hops, around.hops_title(found.blast))
            hops.show(around.hops_tree(found.blast, found.among), anew=anew)

    @on(CursorView.Chosen)
    def _chosen(self, event: CursorView.Chosen) -> None:
        asked = around.question_of(event.key)
        if asked is not None:
            self.console.set_question(asked)
            self.lead_to("simulate")

    def look_around(self, end: str) -> None:
        """Look around another end; esc comes back to this one."""
        if end and end != self._subject:
            self._trail.append(self._subject)
            self._look(end)

    def action_around(self) -> None:
        """Look around the other end of the edge under the cursor."""
        view = self.pane
        asked = around.question_of(view.key) if isinstance(view, PathTree) else None
        other = asked.destination if asked is not None else ""
        if asked is not None and view is self.tree_of("inward"):
            other = asked.source
        if not other:
            self.console.say("Choose a workload: its line leads to what lies around it.")
        else:
            self.look_around(other)

    def _look(self, subject: str) -> None:
        self._subject = self.session.around = subject
        self.console.survey.want(self.wanted)
        self.draw(self.frame)

    def action_back(self) -> None:
        """Go back to what one looked around before, or to where one came from."""
        if self._trail:
            self._look(self._trail.pop())
        else:
            self.go_back()
