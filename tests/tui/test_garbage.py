"""When garbage is looked for: between keys, and of what was there before only once nobody is there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from console.tui.garbage import tidy


class Ring:
    """Something that holds itself: nothing but a look for garbage ends it."""

    def __init__(self) -> None:
        self.held = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def due() -> None:
    """Let there be enough to look through."""
    gc.collect()
    for _ in range(5):
        gc.collect(1)


def test_it_waits_for_a_pause_between_keys() -> None:
    due()
    ring = Ring()
    gone = weakref.ref(ring)
    gc.collect(1)
    del ring
    tidy(0.3)
    assert gone() is not None
    tidy(2.0)
    assert gone() is None


def test_what_outlives_a_look_is_looked_through_again_once_nobody_is_there() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    due()
    tidy(2.0)
    del ring
    due()
    tidy(2.0)
    assert gone() is not None
    due()
    tidy(61.0)
    assert gone() is None
