"""What the desk tells the app."""

from __future__ import annotations

from textual.message import Message

from console.tui.model.frame import Frame


class Arrived(Message):
    """A newer frame. One that waits in the queue gives way to the next."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """Only the newest frame is worth drawing."""
        return isinstance(message, Arrived)
