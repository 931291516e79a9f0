"""Handrail: a companion chatbot for mental-health practices, with handoff to human clinicians."""

import os

__version__ = "0.1.0"

# Our matrices are small: a second thread in each product costs more than it saves. Read by numpy when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
