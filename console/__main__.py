"""``python -m console``: the same as the ``netpol-console`` command."""

from console.cli import main

raise SystemExit(main())
