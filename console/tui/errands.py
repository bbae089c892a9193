"""What every screen can ask of the app: commands, help, notices, other contexts, a fresh connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from textual import work
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import Input

from console.cluster.source import Source, State
from console.errors import ConsoleError, UsageError
from console.tui import keys
from console.tui.model import commands, help, status
from console.tui.model.commands import Command
from console.tui.model.frame import Question
from console.tui.model.help import Entry
from console.tui.model.rows import Kind, View
from console.tui.model.search import Candidate, ends
from console.tui.screens.base import MainScreen
from console.tui.screens.browse import BrowseScreen
from console.tui.screens.picker import Picker
from console.tui.screens.text import TextScreen
from console.tui.text import Piece, Tone
from console.tui.widgets.field import Field
from console.tui.widgets.pane import TextPane
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.rows import RowList
from console.tui.widgets.tree import PathTree

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp


_PANES: Final[Mapping[type, str]] = {
    RowList: "In lists",
    PathTree: "In the path",
    TextPane: "In text",
    Field: "In From, To and Port",
}


class Errands:
    """Mixed into the app: it adds no state of its own."""

    @property
    def _app(self) -> ConsoleApp:
        return cast("ConsoleApp", self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A colon is a colon where something is being typed, or lies over the main screen."""
        del parameters
        app = self._app
        return action != "command" or (app.base is app.screen and not isinstance(app.focused, Input))

    def action_command(self) -> None:
        """Open the command line."""
        if (base := self._app.base) is not None and base is self._app.screen:
            base.prompt.open(":", "", "ns  pod  netpol  ctx  sim  q · tab completes")

    # Handlers by name: Textual gathers decorated ones from its own classes only, and this is a plain mixin.
    def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """Carry out a command."""
        if event.sign != ":":
            return
        app = self._app
        base = app.base
        assert base is not None
        if not event.text.strip():
            self._close_prompt(base)
            return
        try:
            command = commands.parse(event.text)
        except UsageError as error:
            base.prompt.advise((Piece(f"{error.message}: ", Tone.BAD), Piece(error.hint, Tone.WARN)))
            return
        self._close_prompt(base)
        self._carry_out(command)

    def on_prompt_closed(self, event: Prompt.Closed) -> None:
        """Leave the command line."""
        if event.sign == ":" and (base := self._app.base) is not None:
            self._close_prompt(base)

    def on_prompt_completing(self, event: Prompt.Completing) -> None:
        """Complete the word being typed."""
        base = self._app.base
        if event.sign != ":" or base is None:
            return
        snapshot = self._app.frame.snapshot
        names = [candidate.text for candidate in ends(snapshot)] if event.text.startswith("sim") else ()
        found = commands.complete(event.text, snapshot.contents, self._app.session.contexts, names)
        if found is not None:
            base.prompt.fill(found)

    def _close_prompt(self, base: MainScreen) -> None:
        base.prompt.shut()
        panes = base.panes()
        base.go_to_pane(next((pane for pane in panes if pane.display and pane.id == "listing"), panes[0]))

    def _carry_out(self, command: Command) -> None:
        app = self._app
        name, words = command
        if name == "ns":
            self._namespace(words[0]) if words else self._choose_namespace()
        elif name in ("workloads", "pod", "netpol"):
            kind = {"workloads": Kind.WORKLOADS, "pod": Kind.PODS, "netpol": Kind.POLICIES}[name]
            self._look(View(app.session.view.namespace, kind))
        elif name == "ctx":
            self._change_context(words[0]) if words else self._choose_context()
        elif name == "sim":
            self._simulate(words)
        elif name == "notices":
            self.action_notices()
        elif name == "help":
            self.action_help()
        else:
            app.exit()

    def _look(self, view: View) -> None:
        app = self._app
        if isinstance(app.base, BrowseScreen):
            app.base.look(view)
        else:
            app.session.view = view
            app.action_go("browse")

    def _namespace(self, name: str) -> None:
        contents = self._app.frame.snapshot.contents
        wanted = "" if name == "all" else name
        if wanted and wanted not in contents:
            near = get_close_matches(name, contents, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else ":ns alone lists them"
            self._app.fail(UsageError(f"There is no namespace {name!r}", hint=hint))
            return
        kind = self._app.session.view.kind
        self._look(View(wanted, kind))

    def _choose_namespace(self) -> None:
        contents = self._app.frame.snapshot.contents
        offered = [Candidate("all", "all namespaces")]
        offered += [Candidate(name, f"{len(held.pods)} pods") for name, held in contents.items()]
        picker = Picker("Namespace", offered, placeholder="letters of a namespace")
        self._app.push_screen(picker, lambda name: self._namespace(name) if name else None)

    def _choose_context(self) -> None:
        app = self._app
        if not app.session.contexts or app.session.open_context is None:
            app.say("This source has no other contexts. Leave with q and start with --context NAME.", "warning")
            return
        offered = [Candidate(name, "this one" if name == app.frame.title else "") for name in app.session.contexts]
        picker = Picker("Context", offered, placeholder="letters of a context", current=app.frame.title)
        app.push_screen(picker, lambda name: self._change_context(name) if name else None)

    def _change_context(self, name: str) -> None:
        opener = self._app.session.open_context
        if opener is None:
            self._choose_context()
            return
        self._app.session.reopen = lambda: opener(name)
        self._open_source(self._app.session.reopen)

    @work(thread=True, exclusive=True, group="context", exit_on_error=False)
    def _open_source(self, make: Callable[[], Source]) -> None:
        """Make another source and follow it; on a thread, for kubeconfigs can lie on slow disks."""
        app = self._app
        try:
            source: Source = make()
        except ConsoleError as error:
            app.call_from_thread(app.fail, error)
            return
        app.call_from_thread(self._follow, source)

    def _follow(self, source: Source) -> None:
        app = self._app
        if source.title != app.frame.title:
            # What was asked there names nothing here.
            app.session.view = View()
            app.session.pins.clear()
            app.session.question = Question("", "", "")
            app.desk.ask(())
        app.desk.follow(source)

    def _simulate(self, words: tuple[str, ...]) -> None:
        app = self._app
        question = app.session.question
        for part, text in zip(("source", "destination", "port"), words, strict=False):
            question = question._replace(**{part: text})
        app.action_go("simulate")
        app.set_question(question)

    def action_refresh_all(self) -> None:
        """Draw everything anew; connect again where the source does not answer."""
        app = self._app
        if app.frame.status.state in (State.FAILED, State.STALE) and app.session.reopen is not None:
            app.say(f"Connecting to {app.frame.title} again …")
            self._open_source(app.session.reopen)
        app.redraw()
        app.refresh(layout=True, repaint=True)

    def action_interrupt(self) -> None:
        """ctrl+c is not how one leaves: it is too near to copying."""
        self._app.say("q leaves the console.")

    def action_notices(self) -> None:
        """All that lowers trust in what is shown."""
        lines = list(status.notices(self._app.frame))
        self._app.push_screen(TextScreen("What to know about what is shown", lines))

    def action_help(self) -> None:
        """Every key of the screen."""
        if isinstance(self._app.screen, TextScreen):
            return
        self._app.push_screen(TextScreen("Help", list(help.lines(self.key_sections()))))

    def rescue_keys(self) -> dict[str, str]:
        """The keys for when nothing could be read, by how they are written."""
        found = {"^r": "try again"} if self._app.session.reopen is not None else {}
        if self._app.session.contexts:
            found[":ctx"] = "choose another context"
        return {**found, "?": "help", "q": "leave"}

    def key_sections(self) -> list[tuple[str, list[Entry]]]:
        """The keys of the main screen, of each of its panes, and those that work everywhere; from the bindings."""
        app = self._app
        base = app.base
        if base is None:
            return []
        nodes: list[tuple[str, DOMNode]] = [("This screen", base)]
        for pane in base.panes():
            nodes.append((_PANES.get(type(pane), "In panes"), pane))
        nodes.append(("Everywhere", cast("App[None]", app)))
        sections: dict[str, dict[str, Entry]] = {}
        for title, node in nodes:
            for binding in keys.bindings_of(node):
                pressed = app.settings.keys.get(binding.id or "", binding.key)
                entry = Entry(keys.shown(pressed), binding.tooltip, binding.id or "", pressed.split(",")[0])
                sections.setdefault(title, {})[entry.id] = entry
        return [(title, list(entries.values())) for title, entries in sections.items()]

    def press(self, key: str) -> None:
        """Press a key, as the palette does."""
        self._app.call_after_refresh(self._app.simulate_key, key)
