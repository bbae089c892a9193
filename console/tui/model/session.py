"""What the user has set so far: the question, the pins, the namespace looked at. Shared by the screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from console.cluster.source import Source
from console.errors import UsageError
from console.objects.core import Pod
from console.objects.snapshot import Snapshot
from console.objects.workloads import Workload
from console.policy.ends import PortChoice, parse_end, parse_port, port_choices
from console.tui.model.frame import Question
from console.tui.model.rows import View


@dataclass(slots=True)
class Session:
    """The state of one sitting. `contexts` are those that `open_context` can open; `reopen` opens the same again."""

    view: View = field(default_factory=View)
    question: Question = field(default_factory=lambda: Question("", "", ""))
    pins: list[Question] = field(default_factory=list)
    #: Both ends were set elsewhere, and Simulate should ask for the port when it opens.
    ask_port: bool = False
    #: What `:matrix` asked for, until the Matrix has taken it.
    matrix_by: str = ""
    #: The end that was last looked around.
    around: str = ""
    #: Where esc leads back to from a screen that another one led to.
    back: dict[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    open_context: Callable[[str], Source] | None = None
    reopen: Callable[[], Source] | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        """Everything that wants an answer."""
        asked = [self.question, *self.pins] if self.question.complete else self.pins
        return tuple(dict.fromkeys(asked))

    def set_question(self, question: Question) -> None:
        """Ask this."""
        self.question = question._replace(port=normal_port(question.port))

    def set_end(self, side: str, text: str, snapshot: Snapshot) -> None:
        """Set ``source`` or ``destination``; the port stays if the destination has it, and the only one is taken."""
        if side == "source":
            self.question = self.question._replace(source=text)
            return
        self.question = self.question._replace(destination=text)
        self._settle_port(snapshot)

    def swap(self, snapshot: Snapshot) -> None:
        """Ask for the other way round."""
        self.question = Question(self.question.destination, self.question.source, self.question.port)
        self._settle_port(snapshot)

    def _settle_port(self, snapshot: Snapshot) -> None:
        choices = ports_of(self.question.destination, snapshot)
        if not choices:
            return
        written = {f"{each.port}/{each.protocol.value}" for each in choices}
        if len(written) == 1:
            self.question = self.question._replace(port=written.pop())
        elif normal_port(self.question.port) not in written:
            self.question = self.question._replace(port="")

    def toggle_pin(self) -> bool:
        """Pin the question, or take its pin off; whether it is pinned now."""
        if self.question in self.pins:
            self.pins.remove(self.question)
            return False
        self.pins.append(self.question)
        return True


def ports_of(destination: str, snapshot: Snapshot) -> tuple[PortChoice, ...]:
    """The ports a destination really has; none where it names nothing."""
    try:
        return port_choices(parse_end(destination, snapshot)) if destination else ()
    except UsageError:
        return ()


def end_text(of: Workload | Pod) -> str:
    """A workload or a pod as `parse_end` reads it."""
    if isinstance(of, Pod) or of.kind == "Pod":
        return f"{of.namespace}/{of.name}"
    return f"{of.namespace}/{of.kind.lower()}/{of.name}"


def normal_port(text: str) -> str:
    """A port with its protocol; the text itself where it is a name."""
    try:
        port, protocol = parse_port(text)
    except UsageError:
        return text
    return f"{port}/{protocol.value}"
