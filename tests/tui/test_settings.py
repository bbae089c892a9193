from __future__ import annotations

from pathlib import Path

import pytest

from console.errors import InputError
from console.settings import Settings, config_file, load_settings, parse, state_folder

GOOD = """\
# calm
theme = "netpol-day"
namespace = "training"

[keys]
"simulate.swap" = "w"
"""


def test_settings_are_read_with_their_places() -> None:
    settings = parse(GOOD, "config.toml")
    assert (settings.theme, settings.namespace, dict(settings.keys)) == (
        "netpol-day",
        "training",
        {"simulate.swap": "w"},
    )
    assert settings.place("namespace") == "config.toml:3"
    assert settings.place("keys.simulate.swap") == "config.toml:6"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('theme = "a"\nbroken', "c.toml:2: Expected '=' after a key in a key/value pair", "TOML"),
        ('\nthme = "a"', "c.toml:2: there is no setting 'thme'", "did you mean theme?"),
        ("\n\ntheme = 3", "c.toml:3: theme must be text in quotes", "it is 3"),
        ('keys = "w"', 'c.toml:1: keys must be a table: [keys] and lines of "id" = "key"', "it is 'w'"),
        ('[keys]\n"app.help" = 1', "c.toml:2: the key of app.help must be text in quotes", 'as in "w"'),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text, "c.toml")
    assert error.value.message == message
    assert hint in error.value.hint


def test_without_a_file_the_built_in_ones_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings() == Settings()
    (tmp_path / "netpol-console").mkdir()
    (tmp_path / "netpol-console" / "config.toml").write_text(GOOD)
    assert load_settings().theme == "netpol-day"


def test_a_file_that_was_named_must_be_there_and_readable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no settings file"):
        load_settings(tmp_path / "absent.toml")
    (tmp_path / "latin").write_bytes(b"theme = '\xff'")
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(tmp_path / "latin")


def test_places_follow_xdg_and_ignore_relative_paths() -> None:
    assert config_file({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/netpol-console/config.toml")
    assert config_file({"XDG_CONFIG_HOME": "here"}) == Path.home() / ".config/netpol-console/config.toml"
    assert state_folder({}) == Path.home() / ".local/state/netpol-console"
