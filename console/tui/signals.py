"""Signals: whatever ends or stops the console, the terminal is left as it was found."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any, Final

from textual.app import App

#: What ends the console, as far as the system has them.
_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")
#: Seconds after which the console ends as it stands: who writes to a terminal that has gone may wait for ever.
_PATIENCE: Final = 3.0


async def run(app: App[Any]) -> None:
    """Run an app to its end. A signal ends it as a key does, with 128 and the signal's number as exit status."""
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        loop.remove_signal_handler(number)  # the second one ends it there and then
        last = threading.Timer(_PATIENCE, os._exit, (128 + number,))
        last.daemon = True
        last.start()
        # Not before what is being put together stands: an exit in the middle of it is an error of its own.
        app.call_after_refresh(app.exit, return_code=128 + number)

    if sys.platform != "win32":
        for number in (getattr(signal, name) for name in _ENDING):
            loop.add_signal_handler(number, end, number)
    await app.run_async()


def mind_stops(app: App[Any]) -> None:
    """Put the screen away while the process is stopped, and draw it again after. For an app that has its terminal.

    Textual does so for SIGTSTP. After a SIGSTOP, which nobody hears of, it takes the
    terminal as it finds it for the one to restore in the end; so both are minded here.
    """
    if sys.platform == "win32":
        return
    loop = asyncio.get_running_loop()
    put_away = False

    def stop() -> None:
        nonlocal put_away
        put_away = True
        with app.suspend():
            os.kill(os.getpid(), signal.SIGSTOP)

    def go_on() -> None:
        nonlocal put_away
        if not put_away:
            with app.suspend():
                pass
        put_away = False

    loop.add_signal_handler(signal.SIGTSTP, stop)
    loop.add_signal_handler(signal.SIGCONT, go_on)
