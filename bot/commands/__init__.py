"""The command line, a file per trade; bot/__main__.py joins them. Imports stay inside commands, so that each starts fast."""
