"""Browse: namespaces, what is in the one in focus, and what decides about the object under the cursor."""

from __future__ import annotations

from difflib import get_close_matches
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from console.cluster.source import State
from console.errors import UsageError
from console.objects.core import Pod
from console.objects.meta import ObjectRef
from console.objects.workloads import Workload
from console.report.words import place
from console.tui import draw, keys
from console.tui.model import about, rows, status
from console.tui.model.frame import Frame
from console.tui.model.policies import Policy
from console.tui.model.rows import Kind, View
from console.tui.model.search import Filter
from console.tui.model.session import end_text
from console.tui.model.sight import Sight
from console.tui.model.yamlview import Sheets
from console.tui.screens.filtering import FilterScreen
from console.tui.screens.start import TINY, WIDE, fit_panes, names_width
from console.tui.screens.text import YamlScreen
from console.tui.screens.whatif import WhatIfScreen
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.pane import TextPane
from console.tui.widgets.rows import RowList


class _Step(NamedTuple):
    """Where we came from: the view, its filter, and the object the cursor was on."""

    view: View
    narrowed: Filter
    key: object


class BrowseScreen(FilterScreen):
    """Three panes: namespaces, a list, and the object under the cursor."""

    NAME = "browse"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.BROWSE)]

    def __init__(self) -> None:
        super().__init__()
        self._sight: Sight | None = None
        self._sheets = Sheets()
        self._narrowed = Filter()
        self._trail: list[_Step] = []

    def body(self) -> ComposeResult:
        """The panes."""
        with Horizontal(id="panes", classes="bare"):
            yield draw.titled(RowList(id="namespaces", head=False), "Namespaces")
            yield RowList(id="listing")
            yield TextPane(id="details")

    @property
    def namespaces(self) -> RowList:
        """The left pane."""
        return self.query_one("#namespaces", RowList)

    @property
    def listing(self) -> RowList:
        """The middle pane."""
        return self.query_one("#listing", RowList)

    @property
    def details(self) -> TextPane:
        """The right pane."""
        return self.query_one("#details", TextPane)

    @property
    def sight(self) -> Sight:
        """The newest frame, with what was worked out about it."""
        if self._sight is None or self._sight.frame is not self.frame:
            self._sight = Sight(self.frame, self._sight)
        return self._sight

    def panes(self) -> list[Widget]:
        """Namespaces, list, details."""
        return [self.namespaces, self.listing, self.details]

    @property
    def main_pane(self) -> Widget:
        """The list."""
        return self.listing

    def arrange_panes(self) -> None:
        """All three where there is room; narrower, the details are a page of their own, and then each is."""
        fit_panes(self)
        wide, tiny = self.size.width >= WIDE, self.size.width < TINY
        self.namespaces.styles.width = names_width(self, self.namespaces.table.wanted)
        page = self.pane or self.listing
        for pane in self.panes():
            together = {self.namespaces, self.listing} if not tiny else {pane}
            pane.display = wide or pane is page or (pane in together and page in together)

    def draw(self, frame: Frame) -> None:
        """The namespaces, the list, the details."""
        if (gone := self._namespace_gone(frame)) is not None:
            self.console.fail(gone)
            self.session.view = View()
            self._trail.clear()
        with self.prevent(CursorView.Moved):
            namespaces = rows.namespaces(self.sight)
            if namespaces.wanted != self.namespaces.table.wanted:
                self.call_after_refresh(self.arrange_panes)
            self.namespaces.show(namespaces)
            # The cursor follows the view, which a command may have moved.
            self.namespaces.move_to(self.session.view.namespace)
        self._draw_listing(frame)

    def _draw_listing(self, frame: Frame) -> None:
        """The list, and the details of what is under its cursor."""
        view = self.session.view
        listed = rows.listing(self.sight, view, self._narrowed)
        if not listed.rows and frame.status.state is State.FAILED:
            listed.empty = status.failure(frame, self.rescue_keys())
        with self.prevent(CursorView.Moved):
            self.listing.show(listed)
        title = f"{view.title}  /{self._narrowed.text}" if self._narrowed else view.title
        draw.title(self.listing, title, f"{len(listed.rows):,}" if listed.rows else "")
        self._draw_details()

    def _namespace_gone(self, frame: Frame) -> UsageError | None:
        """Why the namespace in view cannot be looked at any more; None while it can, or may still come."""
        wanted, contents = self.session.view.namespace, frame.snapshot.contents
        if not wanted or wanted in contents or frame.status.state not in (State.LIVE, State.STATIC, State.PAST):
            return None
        near = get_close_matches(wanted, contents, n=1, cutoff=0.5)
        return UsageError(f"There is no namespace {wanted!r}", hint=f"did you mean {near[0]}?" if near else "")

    def _selected(self) -> Workload | Pod | Policy | None:
        table = self.listing.table
        return table.rows[self.listing.cursor] if self.listing.cursor < len(table.rows) else None

    def _draw_details(self) -> None:
        chosen = self._selected()
        draw.title(self.details, chosen.name if chosen else "")
        if chosen is None:
            self.details.show(())
        else:
            self.details.show_laid(about.about(self.sight, self._sheets, chosen))

    def hint(self) -> tuple[Line, ...]:
        """What is set for a simulation."""
        source, destination = self.session.question.source, self.session.question.destination
        if not (source or destination):
            return ((),)
        none = Piece("–", Tone.DIM)
        ways = []
        for shorten in (False, True):
            ends = [
                Piece(text.rpartition("/")[2] if shorten else text) if text else none for text in (source, destination)
            ]
            ways.append((Piece("from ", Tone.DIM), ends[0], Piece("  to ", Tone.DIM), ends[1]))
        return tuple(ways)

    def look(self, view: View, *, back: bool = False) -> None:
        """Look at something else; `back` to come back by esc."""
        if view == self.session.view:
            return
        if back:
            self._trail.append(_Step(self.session.view, self._narrowed, self.listing.key))
        else:
            self._trail.clear()
        self.session.view = view
        self._narrowed = Filter()
        self.refresh_frame()
        self.details.action_edge(-1)

    @on(CursorView.Moved, "#namespaces")
    def _namespace_moved(self, event: CursorView.Moved) -> None:
        kind = self.session.view.kind
        self.look(View(str(event.key or ""), Kind.WORKLOADS if self.session.view.workload else kind))

    @on(CursorView.Moved, "#listing")
    def _listing_moved(self) -> None:
        self._draw_details()
        self.details.action_edge(-1)

    @on(CursorView.Chosen, "#namespaces")
    def _namespace_chosen(self) -> None:
        self.go_to_pane(self.listing)

    @on(CursorView.Chosen, "#listing")
    def _listing_chosen(self) -> None:
        chosen = self._selected()
        if isinstance(chosen, Workload) and chosen.kind != "Pod":
            self.look(View(chosen.namespace if self.session.view.namespace else "", Kind.PODS, chosen.ref), back=True)
            self.listing.action_edge(-1)
        elif isinstance(chosen, Policy):
            self.action_yaml()
        elif chosen is not None:
            self.go_to_pane(self.details)

    def action_back(self) -> None:
        """Take off the filter, leave the details, or go back one step."""
        if self._narrowed:
            self._narrowed = Filter()
            self.refresh_frame()
        elif self.pane is self.details:
            self.go_to_pane(self.listing)
        elif self._trail:
            step = self._trail.pop()
            self.session.view, self._narrowed = step.view, step.narrowed
            self.refresh_frame()
            if isinstance(step.key, ObjectRef):
                self.listing.move_to(step.key)
        elif self.pane is self.listing:
            self.go_to_pane(self.namespaces)

    def action_policies(self) -> None:
        """List the policies of the namespace in focus; again, go back."""
        view = self.session.view
        if view.kind is Kind.POLICIES:
            self.action_back()
            return
        namespace = view.workload.namespace if view.workload else view.namespace
        self.look(View(namespace, Kind.POLICIES), back=True)
        self.go_to_pane(self.listing)

    def action_mark(self, side: str) -> None:
        """Take what is under the cursor as an end; go on to Simulate when both are set."""
        chosen = self._selected()
        if not isinstance(chosen, Workload | Pod):
            self.console.say("A policy is no end of a connection: choose a workload or a pod.", "warning")
            return
        text = end_text(chosen)
        self.session.set_end(side, text, self.frame.snapshot)
        self.console.ask()
        question = self.session.question
        if question.source and question.destination:
            self.session.ask_port = not question.port
            # What was said of the first end would lie over the keys of what opens.
            self.app.clear_notifications()
            self.action_go("simulate")
        else:
            key, other = ("d", "destination") if side == "source" else ("s", "source")
            self.console.say(f"{side.capitalize()}: {text}. Now {key} on the {other}, or 2 to simulate.")

    def action_around(self) -> None:
        """All that what is under the cursor reaches, and all that reaches it."""
        chosen = self._selected()
        if isinstance(chosen, Workload | Pod):
            self.look_around(end_text(chosen))
        else:
            self.console.say("A policy is no end of a connection: choose a workload or a pod.", "warning")

    @property
    def filtered_by(self) -> str:
        """See FilterScreen."""
        return self._narrowed.text

    def narrow(self, text: str) -> None:
        """See FilterScreen."""
        wanted = Filter.parse(text)
        if wanted != self._narrowed:
            self._narrowed = wanted
            self._draw_listing(self.frame)

    def action_yaml(self) -> None:
        """The YAML of the policy, or of the policies that select what is under the cursor."""
        chosen = self._selected()
        if chosen is None:
            return
        found = about.yaml(self.sight, self._sheets, chosen)
        if found is None:
            self.console.say(f"No policy selects {chosen.name}: there is no YAML to show.")
        else:
            title = status.titled(found.title, self.frame)
            self.app.push_screen(self.console.cover(YamlScreen).present_yaml(title, found.laid, found.text))

    def action_edit(self) -> None:
        """Change the policy under the cursor, and see what would come of it."""
        chosen = self._selected()
        if not isinstance(chosen, Policy):
            self.console.say("This is no policy: p lists those of the namespace.")
        elif self._sheets.of(chosen.ref, self.frame.snapshot) is None:
            self.console.say(f"The YAML of {chosen.name} was not kept: it cannot be changed here.", "warning")
        else:
            self.app.push_screen(self.console.cover(WhatIfScreen).try_out(self.session.question, ref=chosen.ref))

    def action_copy(self) -> None:
        """Copy the name of what is under the cursor, as commands take it."""
        chosen = self._selected()
        if isinstance(chosen, Workload | Pod):
            self.console.copy(end_text(chosen), "the name")
        elif chosen is not None:
            self.console.copy(place(chosen.ref), "the name")
