"""A tree as values: nodes with lines, of which some are open. Branches are made when they are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from console.objects.meta import ObjectRef
from console.policy.model import Direction
from console.policy.model import Path as Place
from console.policy.trace import PolicyTrace
from console.tui.text import Line

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Focus:
    """The policy a node is about, as it was asked in one direction, and the places of it the node points at."""

    policy: PolicyTrace
    direction: Direction
    places: tuple[Place, ...] = ()

    @property
    def ref(self) -> ObjectRef:
        """The policy."""
        return self.policy.ref


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree. `key` stays the same from verdict to verdict; `start_open` is how it begins."""

    key: Key
    line: Line
    focus: Focus | None = None
    branches: Callable[[], Sequence[Node]] | None = None
    start_open: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A node where it stands in the tree as it is opened now."""

    node: Node
    depth: int
    open: bool
    parent: int | None = None


@dataclass(slots=True)
class Folds:
    """Which nodes were opened and closed by hand."""

    opened: set[Key] = field(default_factory=set)
    closed: set[Key] = field(default_factory=set)
    all_open: bool = False

    def is_open(self, node: Node) -> bool:
        """Whether a node's branches are shown."""
        if node.branches is None or node.key in self.closed:
            return False
        return self.all_open or node.start_open or node.key in self.opened

    def set(self, node: Node, opened: bool) -> None:
        """Open or close a node."""
        (self.opened if opened else self.closed).add(node.key)
        (self.closed if opened else self.opened).discard(node.key)

    def open_all(self) -> None:
        """Open every node."""
        self.opened.clear()
        self.closed.clear()
        self.all_open = True


def flatten(roots: Sequence[Node], folds: Folds) -> list[Shown]:
    """The lines of the tree, from top to bottom."""
    shown: list[Shown] = []

    def walk(nodes: Sequence[Node], depth: int, parent: int | None) -> None:
        for node in nodes:
            is_open = folds.is_open(node)
            shown.append(Shown(node, depth, is_open, parent))
            if is_open and node.branches is not None:
                walk(node.branches(), depth + 1, len(shown) - 1)

    walk(roots, 0, None)
    return shown
