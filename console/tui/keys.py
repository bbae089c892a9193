"""Every key of the console: its id (by which users remap it), what it does, and its tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from console.errors import InputError

if TYPE_CHECKING:
    from console.settings import Settings


class Key(NamedTuple):
    """One binding. `rank` is its place in the footer, lower first; 0 keeps it out of the footer."""

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    rank: int = 0
    priority: bool = False


APP: Final = (
    Key("app.palette", "ctrl+p", "command_palette", "palette", "Search everything that can be done", priority=True),
    Key("app.quit", "q", "quit", "quit", "Leave the console"),
    Key("app.quit_now", "ctrl+q", "quit", "quit", "Leave the console from anywhere", priority=True),
    Key("app.interrupt", "ctrl+c", "interrupt", "how to quit", "Say how to quit"),
    Key("app.suspend", "ctrl+z", "suspend_process", "to the shell", "Back to the shell; fg returns"),
)

EVERYWHERE: Final = (
    Key("app.help", "question_mark,f1", "help", "help", "All keys of this screen", 99),
    # This and the filter come before the focus is asked: what is typed right behind belongs on the line they open.
    Key(
        "app.command", "colon", "command", "command", "Type a command: ns, pod, netpol, ctx, sim, q", 80, priority=True
    ),
    Key("app.browse", "1", "go('browse')", "Browse", "Namespaces, workloads, pods and policies"),
    Key("app.simulate", "2", "go('simulate')", "Simulate", "May this talk to that, and why"),
    Key("app.matrix", "3", "go('matrix')", "Matrix", "Who reaches whom: roles, namespaces, workloads, pods"),
    Key("app.audit", "4", "go('audit')", "Audit", "The charter's rules, findings, the AI inventory"),
    Key("app.timeline", "5", "go('timeline')", "Timeline", "What happened, who did it, and each screen as it was"),
    Key("app.now", "n", "now", "now", "Back to now, or to the end of a recording, where a moment before is shown", 1),
    Key("app.notices", "exclamation_mark", "notices", "notices", "What was not read or is not evaluated"),
    Key("app.refresh", "ctrl+r", "refresh_all", "refresh", "Redraw; connect again where the cluster did not answer"),
)

PANES: Final = (
    Key("panes.next", "tab", "pane(1)", "pane", "Move to the next pane", 85),
    Key("panes.previous", "shift+tab", "pane(-1)", "previous pane", "Move to the previous pane"),
    Key("panes.back", "escape", "back", "back", "Close the filter, or go back one step", 90),
)

LIST: Final = (
    Key("list.up", "up,k", "move(-1)", "up", "One row up"),
    Key("list.down", "down,j", "move(1)", "down", "One row down"),
    Key("list.page_up", "pageup,ctrl+b", "page(-1)", "page up", "One page up"),
    Key("list.page_down", "pagedown,ctrl+f", "page(1)", "page down", "One page down"),
    Key("list.top", "home,g", "edge(-1)", "first", "First row"),
    Key("list.bottom", "end,G", "edge(1)", "last", "Last row"),
    Key("list.open", "enter", "choose", "open", "Open what the cursor is on", 10),
)

TREE: Final = (
    Key("tree.toggle", "enter,space", "choose", "fold", "Open or close this step", 10),
    Key("tree.open", "right,l", "unfold", "open", "Open this step"),
    Key("tree.close", "left,h", "fold", "close", "Close this step, or go to the one above"),
    Key("tree.open_all", "a", "unfold_all", "open all", "Open every step, down to the clauses"),
)

TEXT: Final = (
    Key("text.up", "up,k", "scroll(-1)", "up", "One line up"),
    Key("text.down", "down,j", "scroll(1)", "down", "One line down"),
    Key("text.page_up", "pageup,ctrl+b", "page(-1)", "page up", "One page up"),
    Key("text.page_down", "pagedown,ctrl+f", "page(1)", "page down", "One page down"),
    Key("text.top", "home,g", "edge(-1)", "first", "First line"),
    Key("text.bottom", "end,G", "edge(1)", "last", "Last line"),
)

BROWSE: Final = (
    Key("browse.source", "s", "mark('source')", "source", "Take this as the source of a simulation", 20),
    Key("browse.destination", "d", "mark('destination')", "destination", "Take this as the destination", 21),
    Key(
        "browse.filter",
        "slash",
        "filter",
        "filter",
        "Filter: text (fuzzy), !text (not), -l key=value (labels)",
        40,
        True,
    ),
    Key("browse.around", "r", "around", "reach", "All it reaches, all that reaches it, in one hop and in several", 22),
    Key("browse.yaml", "y", "yaml", "yaml", "YAML of this policy, or of the policies that select this", 50),
    Key("browse.edit", "e", "edit", "what if", "Change this policy, and see what would come of it", 52),
    Key("browse.policies", "p", "policies", "policies", "Policies of the namespace", 51),
    Key("browse.copy", "c", "copy", "copy", "Copy the name under the cursor"),
)

SIMULATE: Final = (
    Key("simulate.source", "s", "pick('source')", "from", "Choose where the connection comes from", 20),
    Key("simulate.destination", "d", "pick('destination')", "to", "Choose where it goes to", 21),
    Key("simulate.port", "p", "pick('port')", "port", "Choose the port", 22),
    Key("simulate.swap", "x", "swap", "swap", "Ask for the other way round", 30),
    Key("simulate.pin", "P", "pin", "pin", "Keep this connection on screen and watch its verdict", 31),
    Key("simulate.fix", "f", "fix", "fix", "The smallest policy that would open it, and what else it opens", 40),
    Key("simulate.edit", "e", "edit", "what if", "Change the policy in focus, and see what would come of it", 41),
    Key("simulate.copy", "c", "copy", "copy", "Copy the verdict, or the YAML where it has the focus", 50),
    Key("simulate.yaml", "y", "yaml", "yaml", "The policy in focus, full screen", 51),
)

GRID: Final = (
    Key("grid.up", "up,k", "move(-1,0)", "up", "One row up; above the first are the names of the columns"),
    Key("grid.down", "down,j", "move(1,0)", "down", "One row down"),
    Key("grid.left", "left,h", "move(0,-1)", "left", "One column left; before the first are the names of the rows"),
    Key("grid.right", "right,l", "move(0,1)", "right", "One column right"),
    Key("grid.page_up", "pageup,ctrl+b", "page(-1)", "page up", "One page up"),
    Key("grid.page_down", "pagedown,ctrl+f", "page(1)", "page down", "One page down"),
    Key("grid.top", "g", "edge(-1)", "first row", "First row"),
    Key("grid.bottom", "G", "edge(1)", "last row", "Last row"),
    Key("grid.first", "home", "side(-1)", "first column", "First column"),
    Key("grid.last", "end", "side(1)", "last column", "Last column"),
    Key("grid.open", "enter", "choose", "closer", "Look closer at the row, the column or both; at last, simulate", 10),
)

MATRIX: Final = (
    Key("matrix.by", "b", "by", "by", "By namespace, workload, pod, role: the next of them, for the whole cluster", 20),
    Key("matrix.port", "p", "port", "port", "On one port, or on any", 21),
    Key("matrix.turn", "x", "turn", "turn", "Rows become columns, and columns rows", 30),
    Key("matrix.simulate", "s", "simulate", "simulate", "Ask about one connection of this cell", 31),
    Key("matrix.around", "r", "around", "reach", "All that the row reaches, all that reaches it, in several hops", 32),
    Key("matrix.filter", "slash", "filter", "filter", "Filter: text, !text, or from > to", 40, True),
    Key("matrix.write", "w", "write", "write", "Write it to a file: .svg .csv .json .dot .mmd .txt", 50),
    Key("matrix.copy", "c", "copy", "copy", "Copy the matrix as text"),
)

AUDIT: Final = (
    Key("audit.simulate", "s", "simulate", "simulate", "Ask about the pair under the cursor", 20),
    Key("audit.around", "r", "around", "reach", "All it reaches, all that reaches it: of a pair its source", 22),
    Key("audit.fix", "F", "fix", "fix", "What mends the pair under the cursor, and what else that closes or opens", 21),
    Key("audit.rules", "t", "list('rules')", "charter", "The charter's rules"),
    Key("audit.findings", "f", "list('findings')", "findings", "What is wrong beyond them", 31),
    Key("audit.inventory", "i", "list('inventory')", "inventory", "What runs, by role and domain", 32),
    Key("audit.filter", "slash", "filter", "filter", "Filter the list: text, !text, -l key=value", 40, True),
    Key("audit.write", "w", "write", "write", "Write it: .html .md .json .sarif .xml .txt, or .zip as evidence", 50),
    Key("audit.copy", "c", "copy", "copy", "Copy what is said of the row, or its manifest"),
)

AROUND: Final = (
    Key(
        "around.around",
        "r",
        "around",
        "around that",
        "What the other end of this edge reaches, and what reaches it",
        20,
    ),
)

TIMELINE: Final = (
    Key("timeline.after", "a", "look(1)", "as of then", "Show every screen as it was just after this", 20),
    Key("timeline.before", "b", "look(-1)", "before it", "Show every screen as it was just before this", 21),
    Key("timeline.simulate", "s", "simulate", "simulate", "Ask about the path under the cursor", 30),
    Key("timeline.effects", "p", "effects", "only paths", "Only what changed a path or a rule, or all", 31),
    Key(
        "timeline.filter",
        "slash",
        "filter",
        "filter",
        "Filter: text (a workload, a rule, a namespace), !text",
        40,
        True,
    ),
    Key("timeline.copy", "c", "copy", "copy", "Copy what is told of this"),
)

FIELD: Final = (Key("field.open", "enter,space", "choose", "choose", "Choose", 10),)

MODAL: Final = (Key("modal.close", "escape,q", "close", "close", "Close", 10),)

YAML: Final = (Key("yaml.copy", "c", "copy", "copy", "Copy all of it", 20),)

FIX: Final = (
    *YAML,
    Key("fix.write", "w", "write", "write", "Write it to a file", 21),
    Key("fix.edit", "e", "edit", "what if", "Change it, and see what would come of it", 22),
)

EDITOR: Final = (
    Key("editor.top", "ctrl+home", "edge(-1)", "first", "The beginning of the text"),
    Key("editor.bottom", "ctrl+end", "edge(1)", "last", "The end of the text"),
)

WHAT_IF: Final = (
    Key("whatif.save", "ctrl+s", "save", "save as YAML", "Write the YAML to a file", 10),
    # Both come before the text, which would take them for itself.
    Key("whatif.remove", "ctrl+d", "remove", "remove", "What if it were not there", 11, priority=True),
    Key("whatif.pane", "tab,shift+tab", "pane", "paths", "Go to the paths, and back to the text", 12, priority=True),
    Key("whatif.close", "escape", "close", "leave", "Leave; asks where something is not saved", 90, priority=True),
)

SAVE: Final = (Key("save.close", "escape", "close", "close", "Write nothing", priority=True),)

PICKER: Final = (
    Key("picker.choose", "enter", "choose", "choose", "Take what the cursor is on", priority=True),
    Key("picker.close", "escape", "close", "close", "Close and change nothing", 20, priority=True),
    Key("picker.up", "up,ctrl+k", "move(-1)", "up", "One row up", priority=True),
    Key("picker.down", "down,ctrl+j", "move(1)", "down", "One row down", priority=True),
    Key("picker.page_up", "pageup", "page(-1)", "page up", "One page up", priority=True),
    Key("picker.page_down", "pagedown", "page(1)", "page down", "One page down", priority=True),
)

PROMPT: Final = (
    Key("prompt.enter", "enter", "enter", "enter", "Narrow the list, or carry the command out", priority=True),
    Key("prompt.close", "escape", "close", "close", "Close; a filter is taken off", priority=True),
    Key("prompt.complete", "tab", "complete", "complete", "Complete the word", priority=True),
)

ALL: Final = (
    *APP,
    *EVERYWHERE,
    *PANES,
    *LIST,
    *TREE,
    *TEXT,
    *BROWSE,
    *SIMULATE,
    *GRID,
    *MATRIX,
    *AROUND,
    *AUDIT,
    *TIMELINE,
    *FIELD,
    *MODAL,
    *FIX,
    *EDITOR,
    *WHAT_IF,
    *SAVE,
    *PICKER,
    *PROMPT,
)

#: The place of each binding in the footer.
RANKS: Final[Mapping[str, int]] = {key.id: key.rank for key in ALL if key.rank}


def bindings(*groups: tuple[Key, ...]) -> list[Binding]:
    """Textual bindings for groups of keys."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=bool(key.rank),
            id=key.id,
            tooltip=key.tooltip,
            priority=key.priority,
        )
        for group in groups
        for key in group
    ]


def bindings_of(node: DOMNode) -> list[Binding]:
    """The bindings of a node that carry an id, each with the keys that no more special one has taken."""
    taken: set[str] = set()
    found: list[Binding] = []
    for owner in type(node).__mro__:
        for binding in vars(owner).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                fresh = [key for key in binding.key.split(",") if key not in taken]
                taken.update(fresh)
                if fresh:
                    found.append(binding.with_key(",".join(fresh)))
    return found


def checked(settings: Settings) -> Mapping[str, str]:
    """The remapped keys of the settings. Raises InputError for an id that no key has, naming the nearest."""
    known = [key.id for key in ALL]
    for name in settings.keys:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "? in the console lists the ids"
            raise InputError(f"{settings.place(f'keys.{name}')}: there is no key called {name!r}", hint=hint)
    return settings.keys
