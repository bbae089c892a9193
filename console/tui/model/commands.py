"""The command line behind ``:``; parsed here, carried out by the app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple

from console.errors import UsageError


class Command(NamedTuple):
    """A command as typed: its name, and its words."""

    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """What a command is called, what it takes, and what it does."""

    name: str
    takes: str
    does: str
    least: int = 0
    most: int = 0
    also: tuple[str, ...] = ()


FORMS: Final = (
    Form("ns", "[name]", "go to a namespace, or choose one", most=1, also=("namespace", "namespaces")),
    Form("workloads", "", "list workloads", also=("wl", "deploy", "deployments", "workload")),
    Form("pod", "", "list pods", also=("pods", "po")),
    Form("netpol", "", "list policies", also=("netpols", "networkpolicies", "policies", "policy")),
    Form("ctx", "[name]", "go to another context, or choose one", most=1, also=("context", "contexts")),
    Form("sim", "[from to port]", "simulate a connection", most=3, also=("simulate",)),
    Form("reach", "[end]", "all that an end reaches, and all that reaches it", most=1, also=("around",)),
    Form("paths", "", "what the last change opened and closed, and the objects responsible"),
    Form("matrix", "[by]", "who reaches whom, by role, namespace, workload or pod", most=1, also=("mx",)),
    Form("timeline", "", "what happened, who did it, and each screen as it was", also=("history",)),
    Form("now", "", "back to now, or to the end of a recording"),
    Form("audit", "", "the charter's rules, findings, the AI inventory", also=("charter", "rules")),
    Form(
        "export",
        "file [over]",
        "write the Matrix (.svg .csv .json …) or the Audit (.html .md .sarif … .zip)",
        least=1,
        most=2,
        also=("write",),
    ),
    Form("notices", "", "what was not read or is not evaluated"),
    Form("help", "", "all keys and commands"),
    Form("q", "", "leave the console", also=("quit", "exit", "q!")),
)


def parse(text: str) -> Command:
    """The command a line means. Raises UsageError that names the nearest for an unknown one."""
    name, *words = text.strip().removeprefix(":").split() or [""]
    known = {alias: form for form in FORMS for alias in (form.name, *form.also)}
    form = known.get(name.lower())
    if form is None:
        nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.4)
        hint = f"did you mean :{nearest[0]}?" if nearest else "commands: " + ", ".join(f":{f.name}" for f in FORMS)
        raise UsageError(f"there is no command :{name}", hint=hint)
    if not form.least <= len(words) <= form.most:
        raise UsageError(
            f":{form.name} takes {form.takes or 'nothing'}", hint=f"{form.does}: :{form.name} {form.takes}"
        )
    return Command(form.name, tuple(words))


def complete(text: str, namespaces: Iterable[str], contexts: Iterable[str], ends: Iterable[str]) -> str | None:
    """The line with its last word completed; None where nothing, or the same, comes of it."""
    *before, last = text.split(" ")
    if not before:
        options: Iterable[str] = (form.name for form in FORMS)
    else:
        name = next((form.name for form in FORMS if before[0] in (form.name, *form.also)), "")
        options = {"ns": namespaces, "ctx": contexts, "sim": ends, "reach": ends}.get(name, ())
    found = next((option for option in options if option.startswith(last) and option != last), None)
    return " ".join((*before, found)) if found else None
