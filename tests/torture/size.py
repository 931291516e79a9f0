"""How long the nothing-lost suite runs: short in CI, in full by `make torture`."""

import os

FULL = os.environ.get("HANDRAIL_TORTURE") == "full"
