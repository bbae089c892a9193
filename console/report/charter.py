"""What `charter check` and `charter test` tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.governance.charter import Charter
from console.governance.charter_examples import Tried
from console.governance.charter_problems import CharterProblem
from console.report.clean import clean, clean_lines


def problem_lines(problems: Sequence[CharterProblem]) -> Iterator[str]:
    """Each problem with its file, line and column, as compilers tell theirs."""
    for problem in problems:
        yield from clean_lines(str(problem)).splitlines()


def charter_lines(charter: Charter) -> Iterator[str]:
    """The charter read aloud: what it is called, and each rule as a sentence."""
    yield clean(charter.name)
    for each in charter.baseline:
        yield f"  {clean(each.sentence)}"
    for rule in charter.rules:
        yield f"  {clean(rule.sentence)}"
    for pardon in charter.pardons:
        yield f"  except: {clean(pardon.rule)}, {clean(pardon.words())}"


def tried_lines(tried: Sequence[Tried]) -> Iterator[str]:
    """Each example, and what of it is not as written."""
    for each in tried:
        state = "open" if each.example.open else "blocked"
        mark = "✓" if each.as_written else "?" if each.problem else "✗"
        yield f"{mark} {state}: {clean(each.example.text)}"
        place = f"{clean(each.example.place.file)}:{each.example.place.line}"
        if each.problem:
            yield f"    {place}: cannot be tried: {clean(each.problem)}"
        elif not each.as_written:
            for name in sorted(set(each.broken) - set(each.example.breaks)):
                yield f"    {place}: it breaks {clean(name)!r}, which the example does not say"
            for name in sorted(set(each.example.breaks) - set(each.broken)):
                yield f"    {place}: it does not break {clean(name)!r}"
    good = sum(1 for each in tried if each.as_written)
    yield f"{good} of {len(tried)} examples are as written"
