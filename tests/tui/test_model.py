from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.cluster.source import State, Status, Update
from console.objects.core import Pod
from console.objects.snapshot import SnapshotBuilder
from console.policy.engine import Engine
from console.report.clean import clean
from console.tui.model.frame import Frame
from console.tui.model.rows import Kind, View, listing
from console.tui.model.search import Candidate, Filter, Offer, typed_end, typed_port
from console.tui.model.sight import Sight
from console.tui.model.table import Column, Table
from console.tui.text import Piece, Tone, crop, fit, plain, width, wrap

NAMES = ["feast-online", "feast-offline", "litellm", "vllm-llama", "llm-finetune-worker-0", "redis"]
texts = st.text(st.characters(codec="utf-8"), max_size=60)
lines = st.lists(st.builds(Piece, texts.map(clean), st.sampled_from(Tone)), max_size=6).map(tuple)


def kept(filter: str) -> list[str]:
    table = Table(NAMES, text=str, labels=lambda name: ({"name": name},))
    return list(table.narrowed(Filter.parse(filter)).rows)


@given(st.sampled_from(NAMES), st.data())
def test_any_part_of_a_name_finds_it(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    assert name in kept(name[start:end])


@given(st.sampled_from(NAMES).filter(lambda name: len(name) > 6), st.data())
def test_one_wrong_letter_still_finds_it(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    assert name in kept(f"{name[:place]}#{name[place + 1 :]}")


@given(st.text("abcdefilmnorstv- ", max_size=8).map(str.strip).filter(lambda text: text and text != "-l"))
def test_an_inverse_filter_keeps_what_the_filter_does_not(text: str) -> None:
    assert sorted([*kept(text), *kept(f"!{text}")]) == sorted(NAMES)


def test_labels_filter_by_presence_equality_and_their_contraries() -> None:
    assert kept("-l name=redis") == ["redis"]
    assert kept("-l name!=redis") == [name for name in NAMES if name != "redis"]
    assert kept("-l name") == NAMES
    assert kept("-l !name") == []
    assert kept("-l name=redis,other") == []


def test_what_starts_with_the_letters_comes_before_what_merely_holds_them() -> None:
    found = Offer([Candidate("svc:a/gateway-vllm", ""), Candidate("a/vllm", ""), Candidate("a/xvllm", "")]).rank("vllm")
    assert [each.text for each in found] == ["svc:a/gateway-vllm", "a/vllm", "a/xvllm"]
    best, *_ = Offer([Candidate("a/xvllm", ""), Candidate("a/vllm-x", "")]).rank("vllm")
    assert best.text == "a/vllm-x"


def test_typed_addresses_and_ports_are_taken_and_words_are_not() -> None:
    assert typed_end("ip:10.0.0.1") == Candidate("ip:10.0.0.1", "this address")
    assert typed_end("2001:db8::1") == Candidate("ip:2001:db8::1", "this address")
    assert typed_end("web") is None
    assert typed_port("53/udp") == Candidate("53/UDP", "this port")
    assert typed_port("443") == Candidate("443/TCP", "this port")
    assert typed_port("70000") is None
    assert typed_port("http") is None


@given(lines, st.integers(4, 60), st.integers(0, 12))
def test_wrapping_fits_every_line_and_loses_nothing_but_spaces(
    line: tuple[Piece, ...], cells: int, indent: int
) -> None:
    wrapped = wrap(line, cells, indent=indent)
    assert all(width(part) <= cells for part in wrapped)
    assert "".join(plain(part) for part in wrapped).replace(" ", "") == plain(line).replace(" ", "")


@given(lines, st.integers(0, 60))
def test_cropping_keeps_within_the_width(line: tuple[Piece, ...], cells: int) -> None:
    assert width(crop(line, cells)) <= cells


@given(texts, st.integers(1, 40))
def test_fitting_fills_the_width_exactly(text: str, cells: int) -> None:
    assert cell_len(fit(text, cells)) == cells


def test_a_table_leaves_out_what_matters_least_before_it_cuts_names() -> None:
    columns: list[Column[str]] = [
        Column("NAME", Piece, str),
        Column("KIND", lambda row: Piece("Deployment"), lambda row: "Deployment", drop=2),
        Column("ROLE", lambda row: Piece("serving"), lambda row: "serving", drop=1),
        Column("IN", lambda row: Piece("□ open"), width=9),
    ]
    table = Table(NAMES, columns)
    titles = {cells: [column.title for column, _ in table.layout(cells)] for cells in (60, 45, 35, 12)}
    assert titles == {
        60: ["NAME", "KIND", "ROLE", "IN"],
        45: ["NAME", "ROLE", "IN"],
        35: ["NAME", "IN"],
        12: ["NAME", "IN"],
    }
    assert plain(table.line(4, 35)).startswith("llm-finetune-worker-0")


@pytest.fixture
def unlooked() -> Iterator[None]:
    """Nobody looks for garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_moments_that_are_over_are_let_go_and_no_look_for_garbage_is_needed_for_that(unlooked: None) -> None:
    builder = SnapshotBuilder()
    engine: Engine | None = None
    sight: Sight | None = None
    seen: list[weakref.ref[Engine]] = []
    for moment in range(6):
        for each in ("a", "b", "c") if not moment else ("abc"[moment % 3],):
            builder.put(Pod(each, f"pod-{moment}", {}))
        engine = Engine(builder.build(), engine)
        sight = Sight(Frame("x", Update(engine.snapshot, Status(State.LIVE, 0.0)), engine), sight)
        listed = listing(sight, View("", Kind.PODS), Filter.parse("pod"))
        assert len(listed.rows) == 3 + moment
        assert plain(listed.line(0, 80)).startswith("a/pod-0")
        seen.append(weakref.ref(engine))
    del engine, listed
    # The sight of the last moment keeps that one, and none of those its lists were first made in.
    assert [each() is not None for each in seen] == [False] * 5 + [True]
    assert sight is not None


def test_the_models_know_nothing_of_textual() -> None:
    modules = "app details commands frame help path policies rows search session sight status table verdict yamlview"
    imports = "; ".join(f"import console.tui.model.{name}" for name in modules.split()[1:])
    check = f"{imports}; import sys; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
