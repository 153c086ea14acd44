"""The live board: what servers there are in all clouds, for a browser. Needs the extra `web`."""
