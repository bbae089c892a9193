"""Other tools on the same clusters: what they take, and whether they say the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

#: Seconds after which a peer is given up on.
BOUND: Final = 900
#: netpol-analyzer was called netpolicy before; network-config-analyzer is nca.
_NETPOL: Final = ("netpol-analyzer", "netpolicy")


class Listing(NamedTuple):
    """What a tool took to list a cluster (wall and CPU seconds, peak MiB), and the ports of each open pair.

    `pairs` is None where it was given up on after `BOUND` seconds, or failed (`why`).
    """

    tool: str
    wall: float
    cpu: float
    peak: float
    pairs: dict[tuple[str, str], frozenset[str]] | None
    why: str = ""


def own(folder: Path, root: Path) -> Listing:
    """This engine: the files read, all pairs, the open ones of workloads written, as one process."""
    return _run("netpol-console", [sys.executable, "-m", "tests.bench.pairs_child", "list", str(folder)], root, folder)


def peers(folder: Path, root: Path) -> list[Listing]:
    """The peers that are on PATH."""
    found = []
    command = next((path for name in _NETPOL if (path := shutil.which(name))), None)
    if command:
        found.append(
            _run("netpol-analyzer", ["nice", "-n19", command, "list", "-q", "--dirpath", str(folder)], root, folder)
        )
    command = shutil.which("nca")
    if command:
        files = [
            f"--{name}={folder / file}" for name, file in (("ns_list", "namespaces.json"), ("pod_list", "pods.json"))
        ]
        asked = [*files, "--connectivity", str(folder / "policies.json"), "--output_format", "txt_no_fw_rules"]
        found.append(_run("network-config-analyzer", ["nice", "-n19", command, *asked], root, folder))
    return found


def missing() -> list[str]:
    """How to install the peers that are not on PATH."""
    found = []
    if not any(map(shutil.which, _NETPOL)):
        found.append("netpol-analyzer: go install github.com/np-guard/netpol-analyzer/cmd/netpolicy@latest")
    if not shutil.which("nca"):
        found.append("network-config-analyzer: pip install network-config-analyzer")
    return found


def _run(tool: str, command: Sequence[str], root: Path, folder: Path) -> Listing:
    output = folder.parent / f"{folder.name}-{tool}.txt"
    began = time.perf_counter()
    with output.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=root)
        status = used = None
        while status is None and time.perf_counter() - began < BOUND:
            done, code, used = os.wait4(process.pid, os.WNOHANG)
            status = code if done else None
            if status is None:
                time.sleep(0.01)
        bound = status is None
        if bound:
            process.kill()
            _, status, used = os.wait4(process.pid, 0)
        assert status is not None
        assert used is not None
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    if bound:
        return Listing(tool, *took, None, f"given up on after {BOUND} s")
    if process.returncode:
        return Listing(tool, *took, None, f"ended with {process.returncode}")
    return Listing(tool, *took, _pairs(output))


def _pairs(output: Path) -> dict[tuple[str, str], frozenset[str]]:
    """The pairs of different workloads in a listing; lines about addresses are left out."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in output.read_text().splitlines():
        ends, colon, ports = line.partition(" : ")
        source, arrow, destination = ends.partition(" => ")
        if colon and arrow and source.endswith("]") and destination.endswith("]"):
            if "External" in line or source == destination:
                continue
            found[source, destination] = frozenset(_spans(ports))
    return found


def _spans(ports: str) -> list[str]:
    """Ports as each tool writes them, one by one.

    ``TCP 53,80-90,UDP 53``, ``{protocols:TCP,dst_ports:53}``, ``All Connections``.
    """
    if ports.lower().startswith("all connections"):
        return ["all"]
    written = re.findall(r"protocols:([A-Z]+),dst_ports:([-\d,]+)", ports)
    if written:
        return [f"{protocol} {span}" for protocol, spans in written for span in spans.split(",")]
    found, protocol = [], ""
    for text in ports.split(","):
        name, _, span = text.strip().rpartition(" ")
        protocol = name or protocol
        found.append(f"{protocol} {span}")
    return found
