"""What if: a policy in an editor beside what would come of it. Nothing is sent to the cluster."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Static, TextArea

from console.objects.meta import ObjectRef
from console.tui import draw, keys
from console.tui.model import whatif
from console.tui.model.frame import Question
from console.tui.model.whatif import Start, Trial
from console.tui.saving import file_name
from console.tui.screens.ground import Cover
from console.tui.screens.save import SaveScreen
from console.tui.screens.start import WIDE
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.answer import AnswerBox
from console.tui.widgets.chrome import Foot
from console.tui.widgets.editor import Editor
from console.tui.widgets.pane import TextPane

if TYPE_CHECKING:
    from console.tui.stage import Stage

#: Seconds without a key before a text is tried.
_PAUSE: Final = 0.15
#: Seconds between looks at whether the cluster has changed.
_LOOK: Final = 1.0
#: A cluster that keeps changing is compared again after so many times what comparing takes.
_REST: Final = 10
#: Lower than this, the question is not repeated.
_TALL: Final = 28


class WhatIfScreen(Cover[None], inherit_bindings=False):
    """An editor, the verdict that follows it, and the paths that open and close.

    Texts are tried one at a time, the newest next.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.WHAT_IF)]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    WhatIfScreen { background: $background; }
    WhatIfScreen AnswerBox { max-height: 5; }
    WhatIfScreen #panes { height: 1fr; }
    WhatIfScreen .pane { border: round $border-blurred; border-title-color: $foreground; }
    WhatIfScreen .pane:focus-within { border: round $accent; }
    WhatIfScreen #text { width: 3fr; }
    WhatIfScreen #side { width: 2fr; }
    WhatIfScreen #told { height: auto; max-height: 40%; padding: 0 1; }
    WhatIfScreen #paths { height: 1fr; padding: 0 1; }
    WhatIfScreen #state { height: 1; padding: 0 1; background: $surface; }
    WhatIfScreen.-slim #panes { layout: vertical; }
    WhatIfScreen.-slim #text { width: 1fr; height: 3fr; }
    WhatIfScreen.-slim #side { width: 1fr; height: 2fr; min-height: 4; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self._pause: Timer | None = None
        self._forget(Question("", "", ""), None, None)

    def try_out(self, question: Question, *, ref: ObjectRef | None = None, start: Start | None = None) -> Self:
        """Begin with the policy `ref`, or a text; with neither with the fix of the question, if that is blocked."""
        self._asked = True
        self._forget(question, ref, start)
        self.renew()
        return self

    def _forget(self, question: Question, ref: ObjectRef | None, start: Start | None) -> None:
        """Begin anew: nothing was tried yet."""
        self._question = question
        self._ref = ref
        self._start = start or Start()
        self._given = start is not None
        self._ready = False
        # Asked for before the text was there.
        self._remove = False
        self._saved = ""
        self._leaving = False
        self._note = ""
        #: The newest trial, and the newest of a valid text.
        self._tried: Trial | None = None
        self._valid: Trial | None = None
        # What waits to be tried or compared; one of each is under way at a time.
        self._untried = self._trying = self._comparing = False
        #: When the last comparison ended (time.monotonic() seconds), and how many it took.
        self._compared = self._took = 0.0

    def compose(self) -> ComposeResult:
        """The verdict; the text beside what is wrong with it and the paths; what is the state of it."""
        yield AnswerBox(id="verdict")
        with Horizontal(id="panes", classes="bare"):
            with Vertical(id="text", classes="pane"):
                yield Editor(id="editor")
            with Vertical(id="side", classes="pane"):
                yield Static(id="told")
                yield TextPane(id="paths")
        yield Static(id="state")
        yield Foot()

    @property
    def _stage(self) -> Stage:
        return cast("Stage", self.app)

    @property
    def _editor(self) -> Editor:
        return self.query_one(Editor)

    @property
    def _paths(self) -> TextPane:
        return self.query_one("#paths", TextPane)

    def on_mount(self) -> None:
        """Follow the cluster."""
        self.set_interval(_LOOK, self._look)

    def begin(self) -> None:
        """Get the text to begin with."""
        self.workers.cancel_node(self)
        self._stop_waiting()
        with self.prevent(TextArea.Changed):
            self._editor.load_text("")
        self._editor.show_faults({})
        self._editor.focus()
        self._paths.show((), keep=False)
        told = self.query_one("#told", Static)
        told.display = False
        draw.title(self.query_one("#text"), f"What if · {self._ref or self._start.title}")
        draw.title(self.query_one("#side"), "Paths")
        self._draw_answer()
        self._draw_state()
        if self._asked:
            self.call_after_refresh(self._begin)  # working it out would hold up the first frame

    def _stop_waiting(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None

    def on_resize(self) -> None:
        """Side by side where there is room."""
        self.set_class(self.size.width < WIDE, "-slim")
        self._draw_answer()

    @work(exclusive=True, group="begin", exit_on_error=False)
    async def _begin(self) -> None:
        if self not in self.app.screen_stack:
            return
        if not self._given:
            try:
                engine = self._stage.frame.engine
                self._start = await asyncio.to_thread(whatif.begin, engine, self._ref, self._question)
            except Exception as error:  # A fault of the engine is told, and leaves the console as it was.
                self._start = Start(note=f"The console itself failed: {error!r}")
        if self._start.note:
            self._note = self._start.note
        draw.title(self.query_one("#text"), f"What if · {self._start.title}")
        editor = self._editor
        typed = editor.text  # what was typed meanwhile is not lost
        with self.prevent(TextArea.Changed):
            editor.load_text(self._start.text + typed)
        self._saved = editor.text if self._start.ref is not None else ""
        self._ready = True
        if self._remove:
            editor.clear()
        self._try()

    # Following the text ----------------------------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self._leaving = False
        self._note = ""
        self._draw_state()
        self._stop_waiting()
        self._pause = self.set_timer(_PAUSE, self._try)

    def _look(self) -> None:
        """Try again on what the cluster has become; where comparing takes long, not all the time."""
        rested = time.monotonic() - self._compared >= _REST * self._took
        if rested and self._tried is not None and self._tried.base is not self._stage.frame.engine:
            self._try()

    def _try(self) -> None:
        if not self._ready:
            return
        self._untried = True
        if not self._trying:
            self._trying = True
            self._try_all()

    @work(exit_on_error=False)
    async def _try_all(self) -> None:
        while self._untried:
            self._untried = False
            text, engine = self._editor.text, self._stage.frame.engine
            try:
                tried = await asyncio.to_thread(whatif.attempt, text, self._start, engine, self._question)
            except Exception as error:
                self._fail(error)
                continue
            self._tried = tried
            if tried.engine is not None:
                self._valid = tried
                self._compare()
            elif self._valid is not None:
                draw.title(self.query_one("#side"), "Paths · as of the last valid text")
            self._draw_answer()
            self._draw_told(tried)
            self._draw_state()
        self._trying = False

    def _compare(self) -> None:
        if not self._comparing:
            self._comparing = True
            draw.title(self.query_one("#side"), "Paths · ◌ comparing …")
            self._compare_all()

    @work(exit_on_error=False)
    async def _compare_all(self) -> None:
        compared: Trial | None = None
        while (valid := self._valid) is not None and valid is not compared:
            compared, begun = valid, time.monotonic()
            try:
                found = await asyncio.to_thread(getattr, valid, "difference")
            except Exception as error:
                self._fail(error)
                continue
            finally:
                self._compared = time.monotonic()
                self._took = self._compared - begun
            self._paths.show(list(whatif.path_lines(found)))
            if self._tried is valid:
                draw.title(self.query_one("#side"), whatif.path_title(found))
        self._comparing = False

    def _fail(self, error: Exception) -> None:
        """A fault of the engine is told, and the text stays."""
        self._note = f"The console itself failed: {error!r}"
        self._draw_state()

    # Drawing ---------------------------------------------------------------------------------------------------------

    def _draw_answer(self) -> None:
        stale = self._tried is not None and self._tried.engine is None
        lines, outcome = whatif.answer_lines(self._valid, self._question, stale=stale)
        if self._question.complete and self.size.height >= _TALL:
            lines.append((Piece(str(self._question), Tone.DIM),))
        self.query_one(AnswerBox).show(lines, outcome)

    def _draw_told(self, tried: Trial) -> None:
        lines = list(whatif.told_lines(tried.told))
        told = self.query_one("#told", Static)
        told.display = bool(lines)
        told.update(draw.contents(lines))
        faults: dict[int, str] = {}
        for each in tried.faults:
            faults.setdefault(each.line, each.message)
        self._editor.show_faults(faults)

    def _draw_state(self) -> None:
        line: list[Piece] = [Piece("nothing is sent to the cluster", Tone.ACCENT)]
        if self._leaving:
            line = [Piece("Not saved: esc again leaves without it, ^s saves it.", Tone.WARN)]
        elif self._note:
            line.append(Piece(f" · {self._note}", Tone.DIM))
        elif self._ready and self._start.removal and not self._editor.text.strip():
            line.append(Piece(" · the policy is taken away", Tone.WARN))
        elif self._ready:
            line.append(Piece(" · changed, not saved" if self._unsaved else " · nothing to save", Tone.DIM))
        self.query_one("#state", Static).update(draw.content(cast("Line", tuple(line))))

    # Keys ------------------------------------------------------------------------------------------------------------

    @property
    def _unsaved(self) -> bool:
        return self._editor.text != self._saved

    def action_pane(self) -> None:
        """Between the text and the paths."""
        self.set_focus(self._paths if self.focused is self._editor else self._editor)

    def action_remove(self) -> None:
        """What if the policy were not there; undone as any edit."""
        self._editor.clear()
        self._remove = not self._ready

    def action_save(self) -> None:
        """Write the YAML to a file."""
        text = self._start.meant(self._editor.text)
        if not text.strip():
            self._stage.say("There is nothing to save yet.", "warning")
            return
        held = self._editor.text
        name = file_name("", self._start.ref.name if self._start.ref is not None else "policy")
        self.app.push_screen(SaveScreen(text, name), lambda path: self._kept(path, held))

    def _kept(self, path: Path | None, held: str) -> None:
        if path is not None:
            self._saved = held
            self._leaving = False
            self._note = f"wrote {path}"
            self._draw_state()

    def action_close(self) -> None:
        """Leave; asked twice where something is not saved."""
        if self._unsaved and self._ready and not self._leaving:
            self._leaving = True
            self._draw_state()
            return
        self._stop_waiting()
        self.workers.cancel_node(self)
        self._forget(self._question, None, None)  # another engine is not kept for nothing
        self.dismiss(None)
