"""Simulate: may this talk to that, and why; watched for as long as it is on screen."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from console.report.text import verdict_lines
from console.tui import draw, keys
from console.tui.model import fixview, path, status, verdict
from console.tui.model.frame import Answer, Frame, Question
from console.tui.model.nodes import Focus
from console.tui.model.yamlview import Sheet, Sheets, marked_sheet
from console.tui.screens.asking import choice, note
from console.tui.screens.commanding import CommandScreen
from console.tui.screens.fix import FixScreen
from console.tui.screens.picker import Choice, Picker
from console.tui.screens.start import WIDE
from console.tui.screens.text import YamlScreen
from console.tui.screens.whatif import WhatIfScreen
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.cursor import CursorView
from console.tui.widgets.field import Field
from console.tui.widgets.pane import TextPane
from console.tui.widgets.rows import RowList
from console.tui.widgets.tree import PathTree


class SimulateScreen(CommandScreen):
    """The question, the verdict, its path beside the YAML that decided, why not, and the pinned connections."""

    NAME = "simulate"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.SIMULATE)]
    DEFAULT_CSS = """
    SimulateScreen #fields { height: 3; }
    SimulateScreen #source, SimulateScreen #destination { width: 2fr; }
    SimulateScreen #port { width: 1fr; max-width: 26; min-width: 14; }
    SimulateScreen.-tall AnswerBox { padding: 1 1; }
    SimulateScreen.-low AnswerBox { max-height: 3; }
    SimulateScreen #answer { height: 1fr; }
    SimulateScreen #left { width: 1fr; }
    SimulateScreen #path, SimulateScreen #why, SimulateScreen #yaml, SimulateScreen #pins {
        border: round $border-blurred; border-title-color: $foreground;
    }
    SimulateScreen #path:focus, SimulateScreen #why:focus, SimulateScreen #yaml:focus, SimulateScreen #pins:focus {
        border: round $accent;
    }
    SimulateScreen #path { height: 1fr; min-height: 5; }
    SimulateScreen #why { height: auto; max-height: 34%; padding: 0 1; }
    SimulateScreen #yaml { width: 1fr; }
    SimulateScreen #pins { height: auto; max-height: 7; }
    SimulateScreen.-low #fields, SimulateScreen.-low Field { height: 1; border: none; padding: 0; }
    SimulateScreen.-low Field { margin-right: 1; }
    SimulateScreen.-low Field:focus { background: $accent 30%; }
    SimulateScreen.-short #why { height: 1fr; max-height: 100%; }
    """
    #: Lower than this, the near misses are a page of their own.
    TALL = 30
    #: Lower than this, boxes are left out around the question.
    LOW = 18

    def __init__(self) -> None:
        super().__init__()
        self._sheets = Sheets()
        self._drawn: Answer | None = None
        self._focus: Focus | None = None
        self._sheet: Sheet | None = None
        self._yaml_state: object = None
        self._reasons: list[Line] = []

    def body(self) -> ComposeResult:
        """The question, the verdict, the panes."""
        with Horizontal(id="fields"):
            yield Field("source", "From", "s to choose", tooltip="Where the connection comes from")
            yield Field("destination", "To", "d to choose", tooltip="Where it goes to")
            yield Field("port", "Port", "p to choose", tooltip="The port of the destination")
        yield AnswerBox(id="verdict")
        with Horizontal(id="answer", classes="bare"):
            with Vertical(id="left", classes="bare"):
                yield draw.titled(PathTree(id="path"), "Path")
                yield TextPane(id="why")
            yield TextPane(id="yaml")
        yield draw.titled(RowList(id="pins", head=False), "Pinned")

    @property
    def path(self) -> PathTree:
        """The tree."""
        return self.query_one("#path", PathTree)

    @property
    def yaml(self) -> TextPane:
        """The policy in focus."""
        return self.query_one("#yaml", TextPane)

    @property
    def why(self) -> TextPane:
        """Near misses and caveats."""
        return self.query_one("#why", TextPane)

    @property
    def pins(self) -> RowList:
        """The pinned connections."""
        return self.query_one("#pins", RowList)

    @property
    def answer(self) -> Answer | None:
        """The answer to the question on screen."""
        return self.frame.answers.get(self.session.question)

    def panes(self) -> list[Widget]:
        """Path, why not, YAML, pins; those with something in them."""
        found: list[Widget] = [self.path]
        if self._reasons:
            found.append(self.why)
        if self._sheet is not None:
            found.append(self.yaml)
        if self.session.pins:
            found.append(self.pins)
        return [*found, *self.query(Field)]

    def arrange_panes(self) -> None:
        """All where there is room; narrower, the YAML takes the place of the path, and the near misses that of both."""
        wide, tall = self.size.width >= WIDE, self.size.height >= self.TALL
        self.set_class(tall, "-tall")
        self.set_class(not tall, "-short")
        self.set_class(self.size.height < self.LOW, "-low")
        page = self.pane or self.path
        left = page not in (self.yaml,) or wide
        self.query_one("#left").display = left
        self.yaml.display = wide or page is self.yaml
        self.why.display = bool(self._reasons) and left and (tall or page is self.why)
        self.path.display = left and (tall or page is not self.why)
        self.pins.display = bool(self.session.pins) and (tall or page is self.pins or len(self.session.pins) <= 2)

    @on(events.ScreenResume)
    async def _resumed(self) -> None:
        """Ask for what is still missing where both ends were just set."""
        question = self.session.question
        if question.source and question.destination and not question.port and self.session.ask_port:
            self.session.ask_port = False
            await self.action_pick("port")

    def draw(self, frame: Frame) -> None:
        """The question, the verdict, the path and what is beside it."""
        question, answer = self.session.question, self.answer
        for field in self.query(Field):
            field.show(getattr(question, field.part), note(field.part, question, frame.snapshot))
        self._draw_verdict(question, answer)
        before = self._drawn
        if answer is not before:
            anew = before is None or answer is None or before.question != answer.question or before.verdict is None
            self._drawn = answer
            judged = answer.verdict if answer else None
            roots = path.tree(judged) if judged else ()
            self.path.show(roots, anew=anew, start=path.leading_key(judged) if judged else None)
            self._reasons = list(verdict.why_not(judged)) if judged else []
            self.why.show(self._reasons, keep=not anew)
            draw.title(self.why, verdict.why_title(judged) if judged else "")
        self._draw_yaml()
        self._draw_pins(frame)
        self.arrange_panes()

    def _draw_verdict(self, question: Question, answer: Answer | None) -> None:
        failure = status.failure(self.frame, {}) if answer is None else ()
        rescue = "  ".join(f"{key} {does}" for key, does in self.rescue_keys().items())
        lines = (
            [*filter(None, failure), (Piece(rescue, Tone.DIM),)] if failure else [verdict.headline(answer, question)]
        )
        changed = verdict.flip_line(answer.flip) if answer else ()
        if changed:
            lines.append(changed)
        if answer and (then := status.as_of(self.frame)):
            lines.append((Piece(then, Tone.WARN),))
        outcome = answer.verdict.outcome if answer and answer.verdict else None
        self.query_one(AnswerBox).show(lines, outcome)

    def _draw_yaml(self) -> None:
        judged = self._drawn.verdict if self._drawn else None
        node = self.path.node
        focus = (node.focus if node else None) or (path.leading_focus(judged) if judged else None)
        sheet = self._sheets.of(focus.ref, self.frame.snapshot) if focus else None
        state = (focus, sheet, judged is None)
        if state == self._yaml_state:
            return
        same = self._focus is not None and focus is not None and self._focus.ref == focus.ref
        self._yaml_state, self._focus, self._sheet = state, focus, sheet
        pane = self.yaml
        if focus is None:
            draw.title(pane, "")
            pane.show([(Piece("No policy has a say here.", Tone.DIM),)] if judged else ())
            return
        draw.title(pane, str(focus.ref))
        if sheet is None:
            pane.show([(Piece("Its YAML was not kept.", Tone.DIM),)])
            return
        pane.show_laid(marked_sheet(sheet, focus), keep=same, seek=True)

    def _draw_pins(self, frame: Frame) -> None:
        self.pins.show(verdict.PinTable(self.session.pins, frame.answers))

    @on(CursorView.Moved, "#path")
    def _path_moved(self) -> None:
        self._draw_yaml()

    @on(CursorView.Chosen, "#path")
    def _path_chosen(self) -> None:
        if self._sheet is not None:
            self.go_to_pane(self.yaml)

    @on(CursorView.Chosen, "#pins")
    def _pin_chosen(self, event: CursorView.Chosen) -> None:
        if isinstance(event.key, Question):
            self.console.set_question(event.key)

    @on(Field.Opened)
    async def _field_opened(self, event: Field.Opened) -> None:
        await self.action_pick(event.part)

    def action_back(self) -> None:
        """Go back to the path, then to Browse."""
        if self.pane is self.path:
            self.go_back()
        else:
            self.go_to_pane(self.path)

    async def action_pick(self, part: str) -> None:
        """Choose a part of the question, and then what is missing of it."""
        # No further key is handed on until it is there: what is typed next belongs into it.
        await self.app.push_screen(self.console.cover(Picker).offer(self._choice(part)))

    def _choice(self, part: str) -> Choice:
        offered = choice(part, self.session.question, self.frame, self.session.view.namespace)
        return offered._replace(then=partial(self._picked, part))

    def _picked(self, part: str, text: str) -> Choice | None:
        if part == "port":
            self.console.set_question(self.session.question._replace(port=text))
        else:
            self.session.set_end(part, text, self.frame.snapshot)
            self.console.ask()
        question = self.session.question
        missing = next((each for each in ("source", "destination", "port") if not getattr(question, each)), None)
        return self._choice(missing) if missing else None

    def action_swap(self) -> None:
        """Ask for the other way round."""
        self.session.swap(self.frame.snapshot)
        self.console.ask()

    def action_pin(self) -> None:
        """Pin the connection, or take off the pin of the one under the cursor."""
        if self.pane is self.pins and isinstance(self.pins.key, Question):
            self.session.pins.remove(self.pins.key)
            if not self.session.pins:
                self.go_to_pane(self.path)
        elif not self.session.question.complete:
            self.console.say("There is nothing to pin yet: choose both ends and a port.", "warning")
        elif self.session.toggle_pin():
            self.console.say(f"Pinned: {self.session.question}")
        else:
            self.console.say(f"No longer pinned: {self.session.question}")
        self.console.ask()

    def action_copy(self) -> None:
        """Copy the YAML where it has the focus, else the verdict."""
        if self.pane is self.yaml and self._sheet is not None:
            self.console.copy(self._sheet.text + "\n", "the YAML")
        elif self._drawn is not None and self._drawn.verdict is not None:
            lines = [*filter(None, [status.as_of(self.frame)]), *verdict_lines(self._drawn.verdict)]
            self.console.copy("\n".join(lines) + "\n", "the verdict")
        else:
            self.console.say("There is no verdict to copy yet.", "warning")

    def action_fix(self) -> None:
        """The smallest fix over the whole screen."""
        judged = self._drawn.verdict if self._drawn else None
        if (why := fixview.nothing_to_fix(judged)) or judged is None:
            self.console.say(why, "warning")
            return
        find = partial(fixview.remedy, self.frame.engine, judged)
        self.app.push_screen(self.console.cover(FixScreen).look_for(find, self.session.question))

    def action_edit(self) -> None:
        """Change the policy in focus, or the smallest fix where none is, and see what would come of it."""
        ref = self._focus.ref if self._focus is not None and self._sheet is not None else None
        self.app.push_screen(self.console.cover(WhatIfScreen).try_out(self.session.question, ref=ref))

    def action_yaml(self) -> None:
        """The policy in focus over the whole screen."""
        if self._sheet is None or self._focus is None:
            self.console.say("No policy is in focus: there is no YAML to show.")
            return
        text = self._sheet.text + "\n"
        laid = marked_sheet(self._sheet, self._focus)
        title = status.titled(str(self._focus.ref), self.frame)
        self.app.push_screen(self.console.cover(YamlScreen).present_yaml(title, laid, text))
