"""``python -m obskit``: the command line, where nothing is installed."""

from obskit.cli import main

raise SystemExit(main())
