"""An exported model, run by onnxruntime: word pieces in, one pooled vector and each piece's own vector out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Graph:
    """The folder that `retrieval.embed.export` wrote; one thread a call, any number of calls at once."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        described = json.loads((folder / "handrail.json").read_text(encoding="utf-8"))
        graph = str(folder / described["graph"])
        self._session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._pooling = described["pooling"]
        self.room: int = described["room"]
        self.prompt: str = described["prompt"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def run(self, ids: list[int]) -> tuple[Vectors, Vectors]:
        """The pooled vector, shape (dimension,), and the pieces' own, shape (len(ids), dimension); not of length
        one."""
        row = np.array([ids], np.int64)
        given = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        pieces: Vectors = self._session.run(None, {name: given[name] for name in self._inputs})[0][0]
        return (pieces[0] if self._pooling == "cls" else pieces.mean(axis=0)), pieces
