"""The commands, a module each: its arguments (`add`), and what it does with them (`run`: the exit status)."""
