"""Audit: the charter's rules with what became of them, the findings, the AI inventory, and the proof behind each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from console.cluster.source import State
from console.governance.findings import Finding, RuleResult
from console.governance.inventory import Entry
from console.tui import draw, keys
from console.tui.model import auditview, rows, status
from console.tui.model.auditfile import EVIDENCE, exported
from console.tui.model.auditview import Pair
from console.tui.model.fixview import mended
from console.tui.model.frame import Frame
from console.tui.model.search import Filter
from console.tui.model.session import end_text
from console.tui.model.standing import Standing
from console.tui.screens.fix import FixScreen
from console.tui.screens.start import WIDE
from console.tui.screens.writing import WritingScreen
from console.tui.text import Line
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.pane import TextPane
from console.tui.widgets.rows import RowList


class AuditScreen(WritingScreen):
    """Three lists on the left; on the right what is behind the row under the cursor, and the pairs that offend."""

    NAME = "audit"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.AUDIT)]
    DEFAULT_CSS = """
    AuditScreen #lists { width: 3fr; }
    AuditScreen #proof { width: 2fr; }
    AuditScreen RowList, AuditScreen TextPane { border: round $border-blurred; border-title-color: $foreground; }
    AuditScreen RowList:focus, AuditScreen TextPane:focus { border: round $accent; }
    AuditScreen #rules { height: auto; max-height: 60%; min-height: 4; }
    AuditScreen #findings { height: 2fr; min-height: 4; }
    AuditScreen #inventory { height: 1fr; min-height: 4; }
    AuditScreen #about { height: 1fr; padding: 0 1; }
    AuditScreen #pairs { height: 1fr; }
    AuditScreen.-low #rules { height: 1fr; max-height: 100%; }
    """
    #: Lower than this, one list is shown at a time.
    TALL = 30

    def __init__(self) -> None:
        super().__init__()
        self._narrowed = Filter()
        self._drawn: tuple[Standing, State] | None = None
        self._of = "rules"

    def body(self) -> ComposeResult:
        """The lists and the proof."""
        with Horizontal(id="audit", classes="bare"):
            with Vertical(id="lists", classes="bare"):
                yield RowList(id="rules")
                yield RowList(id="findings")
                yield RowList(id="inventory")
            with Vertical(id="proof", classes="bare"):
                yield TextPane(id="about")
                yield RowList(id="pairs", head=False)

    @property
    def rules(self) -> RowList:
        """The charter's rules."""
        return self.query_one("#rules", RowList)

    @property
    def findings(self) -> RowList:
        """What is wrong beyond them."""
        return self.query_one("#findings", RowList)

    @property
    def inventory(self) -> RowList:
        """What runs."""
        return self.query_one("#inventory", RowList)

    @property
    def about(self) -> TextPane:
        """What is behind the row under the cursor."""
        return self.query_one("#about", TextPane)

    @property
    def pairs(self) -> RowList:
        """The pairs that offend the rule under the cursor."""
        return self.query_one("#pairs", RowList)

    @property
    def standing(self) -> Standing:
        """The newest audit."""
        return self.console.standing

    @property
    def _lists(self) -> dict[str, RowList]:
        return {"rules": self.rules, "findings": self.findings, "inventory": self.inventory}

    @property
    def _list(self) -> RowList:
        return self._lists[self._of]

    def panes(self) -> list[Widget]:
        """Rules, their pairs, findings, inventory, the proof."""
        found: list[Widget] = [self.rules]
        if self._of == "rules" and self.pairs.table.rows:
            found.append(self.pairs)
        return [*found, self.findings, self.inventory, self.about]

    def on_mount(self) -> None:
        """Begin on the rules."""
        self.arrange_panes()
        self.rules.focus()

    def arrange_panes(self) -> None:
        """All where there is room; lower, one list at a time; narrower, lists and proof are pages of their own."""
        wide, tall = self.size.width >= WIDE, self.size.height >= self.TALL
        alone = not tall or self.standing.audit is None  # the more room for why there is none
        self.set_class(alone, "-low")
        page = self.pane or self.rules
        proof = page in (self.about, self.pairs)
        self.query_one("#lists").display = wide or not proof
        self.query_one("#proof").display = wide or proof
        for pane in self._lists.values():
            pane.display = not alone or pane is self._list
        listed = self._of == "rules" and bool(self.pairs.table.rows)
        self.pairs.display = listed
        self.about.display = wide or page is not self.pairs or tall

    def draw(self, frame: Frame) -> None:
        """The lists, and what is behind the row under the cursor."""
        standing = self.standing, frame.status.state
        if standing == self._drawn:
            return
        self._drawn = standing
        self._draw_lists()

    def _draw_lists(self) -> None:
        standing = self.standing
        for name, title, table in auditview.lists(standing):
            if standing.audit is None and self.frame.status.state is State.FAILED:
                table.empty = status.failure(self.frame, self.rescue_keys()) if name == self._of else ()
            narrowed = table.narrowed(self._narrowed) if name == self._of else table
            if narrowed is not table and not narrowed.rows and table.rows:
                narrowed.empty = rows.filtered_out("row", self._narrowed)
            with self.prevent(CursorView.Moved):
                self._lists[name].show(narrowed)
            filtered = f"  /{self._narrowed.text}" if self._narrowed and name == self._of else ""
            draw.title(self._lists[name], title + filtered, f"{len(narrowed.rows):,}" if narrowed.rows else "")
        self._draw_proof()

    @property
    def _chosen(self) -> RuleResult | Finding | Entry | None:
        table, place = self._list.table, self._list.cursor
        return table.rows[place] if place < len(table.rows) else None

    def _draw_proof(self) -> None:
        chosen = self._chosen
        rule = chosen if isinstance(chosen, RuleResult) else None
        with self.prevent(CursorView.Moved):
            self.pairs.show(auditview.pairs(rule))
        count = len(self.pairs.table.rows)
        draw.title(self.pairs, "Pairs", f"{count:,}" if count else "")
        self._draw_about()
        self.arrange_panes()

    def _draw_about(self) -> None:
        chosen, lines = self._chosen, list[Line]()
        if isinstance(chosen, RuleResult):
            title = auditview.rule_title(chosen)
            draw.title(self.about, title, chosen.name if chosen.name != title else "")
            lines += auditview.of_rule(chosen, self.standing)
            if (pair := self._pair) is not None:
                lines += [(), *auditview.of_pair(pair)]
        elif isinstance(chosen, Finding):
            draw.title(self.about, chosen.code)
            lines += auditview.of_finding(chosen)
        elif isinstance(chosen, Entry):
            draw.title(self.about, chosen.workload.name)
            lines += auditview.of_entry(chosen)
        else:
            draw.title(self.about, "")
        self.about.show(lines, keep=False)

    @property
    def _pair(self) -> Pair | None:
        table, place = self.pairs.table, self.pairs.cursor
        return table.rows[place] if place < len(table.rows) else None

    @on(CursorView.Moved)
    def _moved(self, event: CursorView.Moved) -> None:
        if event.view is self.pairs:
            self._draw_about()
        elif event.view is self._list:
            self._draw_proof()

    def on_descendant_focus(self, event: object) -> None:
        """The proof is of the list in focus."""
        name = next((name for name, each in self._lists.items() if each is self.focused), None)
        if name is not None and name != self._of:
            self._of = name
            self._draw_proof()
        super().on_descendant_focus(event)  # type: ignore[arg-type]

    @on(CursorView.Chosen)
    def _opened(self, event: CursorView.Chosen) -> None:
        if event.view is self.pairs:
            self.action_simulate()
        elif event.view is self.rules and self.pairs.table.rows:
            self.go_to_pane(self.pairs)
        else:
            self.go_to_pane(self.about)

    def action_simulate(self) -> None:
        """Ask about the pair under the cursor."""
        pair = self._pair if self._of == "rules" else None
        if pair is None:
            self.console.say("There is no pair here: choose a rule that has some.", "warning")
            return
        self.console.set_question(pair.question)
        self.lead_to("simulate")

    def action_fix(self) -> None:
        """What mends the pair under the cursor, over the whole screen."""
        pair, rule = self._pair, self._chosen
        if pair is None or not isinstance(rule, RuleResult):
            self.console.say("There is no pair here: choose a rule that has some.", "warning")
            return
        find = partial(mended, self.standing, rule.name, pair.offence)
        self.app.push_screen(self.console.cover(FixScreen).look_for(find, pair.question))

    def action_around(self) -> None:
        """All that the workload under the cursor reaches, and all that reaches it; of a pair, its source."""
        chosen = self._chosen
        if isinstance(chosen, Entry):
            self.look_around(end_text(chosen.workload))
        elif self._pair is not None and self._of == "rules":
            self.look_around(self._pair.offence.source)
        else:
            self.console.say("Choose a pair of a rule, or a workload of the inventory.", "warning")

    def action_list(self, name: str) -> None:
        """Go to one of the lists."""
        if name != self._of:
            self._narrowed = Filter()
        self._of = name
        self.go_to_pane(self._lists[name])
        self._draw_lists()

    def action_back(self) -> None:
        """Take the filter off, go back to the list, to the rules, to where we came from."""
        if self._narrowed:
            self._narrowed = Filter()
            self._draw_lists()
        elif self.pane in (self.about, self.pairs):
            self.go_to_pane(self._list)
        elif self._of != "rules":
            self.action_list("rules")
        else:
            self.go_back()

    @property
    def filtered_by(self) -> str:
        """See FilterScreen."""
        return self._narrowed.text

    def narrow(self, text: str) -> None:
        """See FilterScreen."""
        self._narrowed = Filter.parse(text)
        self._draw_lists()

    @property
    def suggested_file(self) -> str:
        """See WritingScreen."""
        return "audit.html"

    def writer(self, file: str, over: str) -> Callable[[], Path] | None:
        """See WritingScreen; .zip is evidence."""
        frame = self.frame
        at = frame.status.since if frame.status.state is State.PAST else self.console.clock()
        asked = (*self.session.pins, self.session.question)
        return partial(exported, self.standing, file, title=frame.title, at=at, asked=asked, over=bool(over))

    def wrote(self, path: Path) -> str:
        """See WritingScreen."""
        proof = f"; netpol-console evidence verify {path} computes it again" if path.suffix == EVIDENCE else ""
        return f"{super().wrote(path)}{proof}"

    def action_copy(self) -> None:
        """Copy what is behind the row under the cursor: of a finding that has one, the manifest."""
        chosen = self._chosen
        if isinstance(chosen, Finding) and chosen.manifest:
            self.console.copy(chosen.manifest, "the manifest")
        elif chosen is not None:
            lines = (*filter(None, [status.as_of(self.frame)]), self.about.text)
            self.console.copy("\n".join(lines) + "\n", "what is said of it")
