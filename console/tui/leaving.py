"""Leaving the terminal as it was found, where it has no second screen, too."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class WipingDriver(LinuxDriver):
    """Textual's driver, which wipes what it drew before it leaves, or is stopped.

    GNU screen as it is delivered (`altscreen off`), the Linux console and serial terminals have no second screen
    to come back from: there the prompt would be written over what is left of the console.
    """

    def stop_application_mode(self) -> None:
        """Wipe, and give the terminal back."""
        self.write("\x1b[2J\x1b[H")
        super().stop_application_mode()
