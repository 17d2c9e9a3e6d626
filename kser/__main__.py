"""`python -m kser`: the same as `kser`."""

from kser.cli import main

main()
