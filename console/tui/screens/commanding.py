"""What one can ask of any main screen: commands, help, notices, other contexts, a fresh connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import ClassVar, Final

from textual import work
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.widgets import Input

from console.cluster.source import Source, State
from console.errors import ConsoleError, UsageError
from console.policy.ends import split_port
from console.tui import keynames, keys
from console.tui.model import commands, help, status
from console.tui.model.commands import Command
from console.tui.model.frame import Question
from console.tui.model.help import Entry
from console.tui.model.rows import Kind, View
from console.tui.model.search import Candidate
from console.tui.screens.base import MainScreen
from console.tui.screens.picker import Choice, Picker
from console.tui.screens.text import TextScreen
from console.tui.text import Line, Piece, Tone
from console.tui.widgets.prompt import Asking

_OWN: Final = "This screen"
#: Where help lists a key, by the first word of its id.
_SECTIONS: Final[Mapping[str, str]] = {
    "browse": _OWN,
    "simulate": _OWN,
    "matrix": _OWN,
    "around": _OWN,
    "audit": _OWN,
    "timeline": _OWN,
    "grid": "In the Matrix",
    "list": "In lists",
    "tree": "In the path",
    "text": "In text",
    "field": "In From, To and Port",
    "panes": "Everywhere",
    "app": "Everywhere",
}


class CommandScreen(MainScreen):
    """A main screen with the keys and commands that every one has."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.EVERYWHERE)]

    def look(self, view: View) -> None:
        """Look at something in Browse."""
        self.session.view = view
        self.action_go("browse")

    def action_go(self, screen: str) -> None:
        """Go to a main screen."""
        if screen != self.NAME:
            self.session.back.pop(screen, None)
            self.app.switch_mode(screen)

    def action_now(self) -> None:
        """Go back to now."""
        if self.frame.status.state is not State.PAST:
            self.console.say("This is now.")
        self.console.desk.now()

    def lead_to(self, screen: str) -> None:
        """Go to a main screen from which esc leads back here."""
        self.action_go(screen)
        self.session.back[screen] = self.NAME

    def go_back(self) -> None:
        """Go back to the screen that led here, else to Browse."""
        self.app.switch_mode(self.session.back.get(self.NAME, "browse"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A colon is a colon, and a slash a slash, where something is being typed."""
        typing = action in ("command", "filter") and isinstance(self.focused, Input)
        return not typing and super().check_action(action, parameters)

    def action_command(self, text: str = "") -> None:
        """Open the command line, with a text to begin from."""
        advice = "ns  pod  netpol  ctx  sim  matrix  reach  q · tab completes"
        self.prompt.open(Asking(":", advice, self._command, self.close_prompt, complete=self._completed), text)

    def _command(self, text: str) -> None:
        if not text.strip():
            self.close_prompt()
            return
        try:
            command = commands.parse(text)
        except UsageError as error:
            self.prompt.advise((Piece(f"{error.message}: ", Tone.BAD), Piece(error.hint, Tone.WARN)))
            return
        self.close_prompt()
        self._carry_out(command)

    def _completed(self, text: str) -> str | None:
        contents = self.frame.snapshot.contents
        names = [each.text for each in self.frame.known.ends(contents)] if text.startswith(("sim", "reach")) else ()
        return commands.complete(text, contents, self.session.contexts, names)

    def close_prompt(self) -> None:
        """Close the line, and go back to what is behind it."""
        self.prompt.shut()
        self.go_to_pane(self.main_pane)

    def _carry_out(self, command: Command) -> None:
        name, words = command
        if name == "ns":
            self._namespace(words[0]) if words else self._choose_namespace()
        elif name in ("workloads", "pod", "netpol"):
            kind = {"workloads": Kind.WORKLOADS, "pod": Kind.PODS, "netpol": Kind.POLICIES}[name]
            self.look(View(self.session.view.namespace, kind))
        elif name == "ctx":
            self._change_context(words[0]) if words else self._choose_context()
        elif name == "sim":
            self._simulate(words)
        elif name == "matrix":
            self.session.matrix_by = words[0] if words else ""
            self.open_matrix()
        elif name in ("audit", "timeline"):
            self.action_go(name)
        elif name == "now":
            self.action_now()
        elif name == "reach":
            self.look_around(words[0] if words else self.session.question.source or self.session.around)
        elif name == "paths":
            self._show_shift()
        elif name == "export":
            self.export(*words)
        elif name == "notices":
            self.action_notices()
        elif name == "help":
            self.action_help()
        else:
            self.app.exit()

    def _namespace(self, name: str) -> None:
        contents = self.frame.snapshot.contents
        wanted = "" if name == "all" else name
        if wanted and wanted not in contents:
            near = get_close_matches(name, contents, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else ":ns alone lists them"
            self.console.fail(UsageError(f"There is no namespace {name!r}", hint=hint))
            return
        self.look(View(wanted, self.session.view.kind))

    def _choose_namespace(self) -> None:
        contents = self.frame.snapshot.contents
        offered = [Candidate("all", "all namespaces")]
        offered += [Candidate(name, f"{len(held.pods)} pods") for name, held in contents.items()]
        picker = self.console.cover(Picker).offer(Choice("Namespace", offered, "letters of a namespace"))
        self.app.push_screen(picker, lambda name: self._namespace(name) if name else None)

    def _choose_context(self) -> None:
        session, title = self.session, self.frame.title
        if not session.contexts or session.open_context is None:
            told = "This source has no other contexts. Leave with q and start with --context NAME."
            self.console.say(told, "warning")
            return
        offered = [Candidate(name, "this one" if name == title else "") for name in session.contexts]
        choice = Choice("Context", offered, "letters of a context", current=title)
        picker = self.console.cover(Picker).offer(choice)
        self.app.push_screen(picker, lambda name: self._change_context(name) if name else None)

    def _change_context(self, name: str) -> None:
        opener = self.session.open_context
        if opener is None:
            self._choose_context()
            return
        self._open_source(lambda: opener(name), keep=True)

    @work(thread=True, exclusive=True, group="context", exit_on_error=False)
    def _open_source(self, make: Callable[[], Source], *, keep: bool) -> None:
        """Make another source and follow it; on a thread, for kubeconfigs can lie on slow disks."""
        try:
            source = make()
        except ConsoleError as error:
            self.app.call_from_thread(self.console.fail, error)
            return
        self.app.call_from_thread(self._follow, source, make if keep else None)

    def _follow(self, source: Source, make: Callable[[], Source] | None) -> None:
        session = self.session
        if source.title != self.frame.title:
            # What was asked there names nothing here.
            session.view = View()
            session.pins.clear()
            session.question = Question("", "", "")
            self.console.desk.ask(())
        session.reopen = make or session.reopen
        self.console.desk.follow(source)

    def _simulate(self, words: tuple[str, ...]) -> None:
        question = self.session.question
        if len(words) == 2 and (named := split_port(words[1]))[1]:
            words = (words[0], *named)
        for part, text in zip(("source", "destination", "port"), words, strict=False):
            question = question._replace(**{part: text})
        self.action_go("simulate")
        self.console.set_question(question)

    def open_matrix(self) -> None:
        """Show the Matrix, by what the session says."""
        self.action_go("matrix")

    def export(self, file: str, over: str = "") -> None:  # noqa: ARG002
        """Write what is shown to a file, if it can be written."""
        self.console.say(
            f"There is nothing here to write to {file}: 3 shows the Matrix, 4 the Audit, which can be.", "warning"
        )

    def look_around(self, end: str) -> None:
        """All that an end reaches, and all that reaches it."""
        if not end:
            self.console.say("Name an end: :reach NAMESPACE/KIND/NAME; or press r on a workload or a pod.", "warning")
            return
        self.session.around = end
        self.lead_to("around")

    def _show_shift(self) -> None:
        """What the last change of the cluster did to its paths, in full."""
        found = self.console.findings.shift
        if found is None:
            self.console.say("No path has opened or closed since the console began to follow the cluster.")
        else:
            self._present("What the last change did to the paths", list(found.lines))

    def action_refresh_all(self) -> None:
        """Draw everything anew; connect again where the source does not answer."""
        if self.frame.status.state in (State.FAILED, State.STALE) and self.session.reopen is not None:
            self.console.say(f"Connecting to {self.frame.title} again …")
            self._open_source(self.session.reopen, keep=False)
        self.refresh_frame()
        self.app.refresh(layout=True, repaint=True)

    def action_notices(self) -> None:
        """All that lowers trust in what is shown."""
        self._present("What to know about what is shown", list(status.notices(self.frame)))

    def action_help(self) -> None:
        """Every key of the screen."""
        self._present("Help", list(help.lines(self.key_sections())))

    def _present(self, title: str, lines: list[Line]) -> None:
        self.app.push_screen(self.console.cover(TextScreen).present(title, lines))

    def rescue_keys(self) -> dict[str, str]:
        """The keys for when nothing could be read, by how they are written."""
        found = {"^r": "try again"} if self.session.reopen is not None else {}
        if self.session.contexts:
            found[":ctx"] = "choose another context"
        return {**found, "?": "help", "q": "leave"}

    def key_sections(self) -> list[tuple[str, list[Entry]]]:
        """The keys of this screen, of each of its panes, and those of the app; from the bindings themselves."""
        nodes: list[DOMNode] = [self, *self.panes(), self.console]
        sections: dict[str, dict[str, Entry]] = {title: {} for title in dict.fromkeys(_SECTIONS.values())}
        for node in nodes:
            for binding in keys.bindings_of(node):
                name = binding.id or ""
                pressed = self.console.settings.keys.get(name, binding.key)
                entry = Entry(keynames.shown(pressed), binding.tooltip, name, pressed.split(",")[0])
                sections[_SECTIONS.get(name.partition(".")[0], _OWN)][name] = entry
        return [(title, list(entries.values())) for title, entries in sections.items()]
