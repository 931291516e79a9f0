"""A practice's own files, as they come, to articles: the article kept, the rest left out and reported."""

from __future__ import annotations

from retrieval.importing.apart import Importer, read, read_all
from retrieval.importing.model import SUFFIXES, Imported, Limits, Piece
from retrieval.importing.preview import preview, report, write_pages, write_previews

__all__ = [
    "SUFFIXES",
    "Imported",
    "Importer",
    "Limits",
    "Piece",
    "preview",
    "read",
    "read_all",
    "report",
    "write_pages",
    "write_previews",
]
