"""When garbage is looked for: a look through all there is takes 100 ms and more, and must not come with a key."""

from __future__ import annotations

import gc
from typing import Final

#: What is new is looked through after so many objects, and what outlived that after ten times as many; all never.
_NEW: Final = 2_000
_OUTLIVED: Final = 10
_NEVER: Final = 1_000_000_000
#: The rest is looked through after so many of those, once no key was pressed for so many seconds; or after many more.
_DUE: Final = 5
_QUIET: Final = 1.5
_LATE: Final = 500
#: What outlives that is let be, until no key was pressed for so many seconds: then nobody is there to wait.
_AWAY: Final = 60.0


def begin() -> None:
    """Look through nothing that is there by now, as it stays; and from here on as said above."""
    gc.freeze()
    gc.set_threshold(_NEW, _OUTLIVED, _NEVER)


def tidy(quiet: float) -> None:
    """Look through what there is now, where that is due; `quiet` is how many seconds no key was pressed."""
    looks = gc.get_count()[2]
    if looks >= (_DUE if quiet >= _QUIET else _LATE):
        if quiet >= _AWAY:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
