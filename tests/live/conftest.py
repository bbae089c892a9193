"""A real control plane for every test below this folder, which runs only when it is named: ``pytest tests/live``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import binaries as found
from .promise import breaches
from .rig import ControlPlane, User

HERE = Path(__file__).parent

USERS = (
    User("auditor", "auditor-token", ("auditors",)),
    User("tenant", "tenant-token", ("netpol-console-tenants",)),
    User("nobody", "nobody-token"),
    User("operator", "operator-token"),
    User("least", "least-token", ("netpol-console",)),
    User("prober", "prober-token"),
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "live: runs against a real kube-apiserver, built or found; slow to start")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A failure brings the end of the servers' logs with it."""
    report = yield
    if report.failed:
        for plane in item.session.stash.get(_PLANES, []):
            for log in sorted(plane.folder.rglob("*.log")):
                if complaints := _complaints(log):
                    report.sections.append((f"complaints in {log}", "\n".join(complaints)))
    return report


def _complaints(log: Path) -> list[str]:
    """The latest errors in a server's log, in klog's form or etcd's; what else it said is in the file."""
    if log.name == "audit.log":
        return []
    lines = log.read_text(errors="replace").splitlines()
    return [line[:300] for line in lines if line[:1] in "EF" or '"level":"error"' in line or "panic" in line][-8:]


_PLANES: pytest.StashKey[list[ControlPlane]] = pytest.StashKey()
_FIGURES: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes lines of what was measured, to be printed when all tests are done."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_FIGURES, []):
        terminalreporter.section("measured on real servers")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def programs() -> found.Binaries:
    try:
        return found.find()
    except found.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def planes(
    programs: found.Binaries, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[..., ControlPlane]]:
    """Start control planes; whoever asks for one may stop it, and at the end all are stopped."""
    started: list[ControlPlane] = []
    request.session.stash[_PLANES] = started

    def start(**options: Any) -> ControlPlane:
        plane = ControlPlane(programs, tmp_path_factory.mktemp("plane"), USERS, **options)
        started.append(plane)
        plane.start()
        return plane

    yield start
    waits = sorted(server.started_in for plane in started for server in plane.servers)
    if waits:
        middle, slowest = waits[len(waits) // 2], waits[-1]
        line = f"kube-apiserver, {len(waits)} of them: ready after {middle:.1f} s, the slowest after {slowest:.1f} s"
        request.config.stash.setdefault(_FIGURES, []).append(line)
    broken = [breach for plane in started for breach in breaches(plane.audit())]
    for plane in started:
        plane.stop()
        # The logs stay where pytest keeps its temporary folders, the data does not.
        shutil.rmtree(plane.folder / "etcd", ignore_errors=True)
    assert not broken, "of all that the console did in all these tests, this breaks its promise"


@pytest.fixture(scope="session")
def cluster(planes: Callable[..., ControlPlane]) -> ControlPlane:
    """One cluster that every test shares: tests work in namespaces of their own and never stop it."""
    return planes()


@pytest.fixture
def own_cluster(planes: Callable[..., ControlPlane]) -> Iterator[ControlPlane]:
    """A cluster for tests that kill it, compact it or want it empty."""
    plane = planes()
    yield plane
    plane.stop()
