"""``python -m wstape.cli`` is ``wstape``."""

from . import main

main()
