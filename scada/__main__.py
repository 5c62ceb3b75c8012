"""`python -m scada`."""

from scada.cli import main

main()
