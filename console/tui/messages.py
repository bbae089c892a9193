"""What the desk tells the app."""

from __future__ import annotations

from textual.message import Message

from console.tui.model.frame import Frame
from console.tui.model.standing import Standing
from console.tui.survey import Findings


class Arrived(Message):
    """A newer frame. One that waits in the queue gives way to the next."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Only the newest frame is worth drawing."""
        return isinstance(message, Arrived)


class Surveyed(Message):
    """The survey knows more. What waits in the queue gives way to the next, which holds all it held."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self.findings = findings

    def can_replace(self, message: Message) -> bool:
        """Only the newest is worth drawing."""
        return isinstance(message, Surveyed)


class Audited(Message):
    """The warden has held a frame to the charter. None is passed over: each may bring news."""

    def __init__(self, standing: Standing) -> None:
        super().__init__()
        self.standing = standing
