"""Handrail: a companion chatbot for mental-health practices, with handoff to human clinicians."""

__version__ = "0.1.0"
