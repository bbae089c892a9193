"""Scalars as go-yaml v2 resolves them (its resolve.go), then as sigs.k8s.io/yaml turns them into JSON.

The tables are written from those two sources and were checked against the Go program.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.objects.yaml_text import load_documents

TRUE = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
FALSE = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
NULL = ["", "~", "null", "Null", "NULL"]
WORDS = {*TRUE, *FALSE, *NULL}

NUMBERS = [
    ("0", 0),
    ("-0", 0),
    ("12", 12),
    ("+12", 12),
    ("-12", -12),
    ("1_000", 1000),
    ("1__0_", 10),
    ("-_1", -1),
    ("010", 8),
    ("-010", -8),
    ("00", 0),
    ("08", 8),  # no octal number, so a float, and a whole one
    ("0o7", 7),
    ("0O17", 15),
    ("0x1F", 31),
    ("0XfF", 255),
    ("-0x10", -16),
    ("0b101", 5),
    ("-0b11", -3),
    ("0b-11", -3),  # go-yaml's own second attempt at 0b
    ("9223372036854775808", 2**63),
    ("18446744073709551615", 2**64 - 1),
    ("18446744073709551616", 2.0**64),
    ("+18446744073709551615", 2.0**64),
    ("-9223372036854775809", -(2.0**63)),
    ("07777777777777777777777777", 7777777777777777777777777.0),
    ("1.5", 1.5),
    ("1.", 1),
    (".5", 0.5),
    ("+.5", 0.5),
    ("-1.5e3", -1500),
    ("1e3", 1000),
    ("1E-2", 0.01),
    ("1_0.5", 10.5),
    (".5_5", 0.55),
]
STRINGS = [
    *("tRue", "yEs", "oN", "nulL", "yess", "Y1", "nope"),
    *("0o8", "0b12", "0x", "0b", "0o", "0xG", "0x10000000000000000", "1e400", "1e", "+", ".", "..", "+-1"),
    *("_1", "._5", ".5_", ".5__5", "1.2.3", "1,000", "10.0.0.1", "1Gi", "500m", "-x", "--x"),
    *("12:30:45", "190:20:30", "1:2"),  # sexagesimal numbers of YAML 1.1
    *("2001-01-01", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1", "2001-99-99"),
    *("<<", "=", "inf", "nan", "Infinity", "NaN"),
]


def value_of(text: str) -> object:
    [document] = load_documents(f"- {text}\n")
    assert not document.problems
    [value] = document.value
    return value


@pytest.mark.parametrize("text", TRUE)
def test_words_of_yaml_1_1_that_mean_true(text: str) -> None:
    assert value_of(text) is True


@pytest.mark.parametrize("text", FALSE)
def test_words_of_yaml_1_1_that_mean_false(text: str) -> None:
    assert value_of(text) is False


@pytest.mark.parametrize("text", ["~", "null", "Null", "NULL", "!!null ''", "# nothing"])
def test_forms_of_null(text: str) -> None:
    assert value_of(text) is None


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers(text: str, expected: float) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) in (int, float)


@pytest.mark.parametrize("text", STRINGS)
def test_what_looks_like_something_else_is_a_string(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize(
    "text", [*sorted(WORDS), *(text for text, _ in NUMBERS), ".inf", ".nan", "{}", "[]", "&a", "*a", "!x"]
)
def test_quotes_make_a_string(text: str) -> None:
    assert value_of(f"'{text}'") == value_of(f'"{text}"') == text


def test_a_whole_float_is_a_whole_number_in_json() -> None:
    value = value_of("80.0")
    assert value == 80
    assert type(value) is int
    assert type(value_of("1e21")) is float


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!!str 010", "010"),
        ("!!str", ""),
        ("!!int '5'", 5),
        ("!!float 5", 5),
        ("!!bool 'yes'", True),
        ("!!binary aGVsbG8=", "hello"),
        ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!own 5", "5"),
    ],
)
def test_tags(text: str, expected: object) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int x", "the value is no !!int"),
        ("!!int yes", "the value is no !!int"),
        ("!!bool 1", "the value is no !!bool"),
        ("!!null x", "the value is no !!null"),
        ("!!binary a", "!!binary holds no valid base64"),
        (".inf", "JSON has no infinity and no NaN"),
        ("-.Inf", "JSON has no infinity and no NaN"),
        (".NaN", "JSON has no infinity and no NaN"),
    ],
)
def test_scalars_that_kubernetes_refuses_are_named_with_their_place(text: str, message: str) -> None:
    [document] = load_documents(f"spec:\n  replicas: {text}\n", file="a.yaml")
    [problem] = document.problems
    assert (problem.message, problem.line, problem.path) == (message, 2, "spec.replicas")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1", "1"),
        ("0x10", "16"),
        ("010", "8"),
        ("y", "true"),
        ("off", "false"),
        ("1.5", "1.5"),
        ("1.0", "1"),
        ("1e7", "1e+07"),
        ("100000.0", "100000"),
        ("1000000.0", "1e+06"),
        ("123456789.0", "1.2345679e+08"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e300", ".inf"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("2001-01-01", "2001-01-01"),
        ("'010'", "010"),
        ("!!str 1", "1"),
    ],
)
def test_keys_become_strings(key: str, expected: str) -> None:
    [document] = load_documents(f"{key}: v\n")
    assert document.value == {expected: "v"}
    assert not document.problems


@pytest.mark.parametrize("key", ["~", "null", "18446744073709551615", "? {a: 1}\n", "[a]"])
def test_keys_that_json_cannot_have_are_refused(key: str) -> None:
    [document] = load_documents(f"{key}: v\n")
    assert document.value is None
    [problem] = document.problems
    assert "cannot be a key" in problem.message


def underscored(draw: st.DrawFn, digits: str) -> str:
    """The digits with underscores strewn in, after the first."""
    return digits[0] + "".join(draw(st.sampled_from(["", "", "_"])) + digit for digit in digits[1:])


@st.composite
def integers(draw: st.DrawFn) -> tuple[str, int]:
    value = draw(st.integers(0, 2**63 - 1))
    sign, factor = draw(st.sampled_from([("", 1), ("-", -1), ("+", 1)]))
    forms = [("", "d"), ("0x", "x"), ("0X", "X"), ("0o", "o"), ("0", "o"), ("0b", "b")]
    prefix, form = draw(st.sampled_from(forms))
    digits = format(value, form)
    return sign + prefix + underscored(draw, digits), factor * value


@given(integers())
def test_any_integer_in_any_base_with_underscores(case: tuple[str, int]) -> None:
    text, expected = case
    assert value_of(text) == expected


@given(st.from_regex(r"\A[-+]?[0-9]{1,12}\.[0-9]{0,12}([eE][-+]?[0-9]{1,2})?\Z"))
def test_any_decimal_fraction(text: str) -> None:
    assert value_of(text) == float(text)


@given(st.from_regex(r"\A[A-Za-z_/][A-Za-z0-9._/+-]{0,11}\Z").filter(lambda text: text not in WORDS))
def test_any_other_word_is_itself(text: str) -> None:
    assert value_of(text) == text
