"""`python -m aiocloud.cli`."""

from aiocloud.cli import main

main()
