"""Side-by-side runs against peers and the limit: `nox -s bench`."""
