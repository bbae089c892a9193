"""The main screens. To add one, name it here and give it a key in `keys.EVERYWHERE` (``go('name')``): it gets a tab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from console.tui.screens.browse import BrowseScreen
from console.tui.screens.simulate import SimulateScreen

if TYPE_CHECKING:
    from console.tui.screens.commanding import CommandScreen


def _matrix() -> CommandScreen:
    from console.tui.screens.matrix import MatrixScreen

    return MatrixScreen()


def _audit() -> CommandScreen:
    from console.tui.screens.audit import AuditScreen

    return AuditScreen()


def _around() -> CommandScreen:
    from console.tui.screens.around import AroundScreen

    return AroundScreen()


def _timeline() -> CommandScreen:
    from console.tui.screens.timeline import TimelineScreen

    return TimelineScreen()


#: By name, how each is made when it is first gone to. What is not shown at once is imported only then.
MAIN: Final[Mapping[str, Callable[[], CommandScreen]]] = {
    "browse": BrowseScreen,
    "simulate": SimulateScreen,
    "matrix": _matrix,
    "around": _around,
    "audit": _audit,
    "timeline": _timeline,
}
