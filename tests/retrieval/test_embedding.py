"""The real model: its vectors, its export, and a folder that is no model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from papers import ROOT

from retrieval.embed import Embedder, default_model
from retrieval.model import ModelUnusable

TEXTS = [
    "Does therapy change the brain?",
    "Therapy can change how the brain works.",
    "How do I bake bread?",
    "Panic attacks pass within minutes.",
    "x",
    "",
    "🙂🙂🙂",
]


def test_unit_vectors_that_tell_meaning(embedder: Embedder) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.6 > 0.2 > vectors[0] @ vectors[2]
    assert embedder.encode([]).shape == (0, 384)


def test_a_text_has_one_vector_whoever_else_is_embedded(embedder: Embedder) -> None:
    many = [f"{text} {number}" for number in range(8) for text in TEXTS]
    together = embedder.encode(many)
    alone = np.stack([embedder.encode([text])[0] for text in many])
    assert np.array_equal(together, alone)
    with ThreadPoolExecutor(8) as pool:
        at_once = np.stack(list(pool.map(embedder.encode_query, many)))
    assert np.array_equal(at_once, alone)


def test_int8_stays_near_full_precision_and_pytorch(embedder: Embedder, models: Path) -> None:
    full = Embedder.open(models, precision="float32").encode(TEXTS[:4])
    torch = Embedder.open(models, precision="torch").encode(TEXTS[:4])
    assert (full * torch).sum(axis=1).min() > 0.9999
    assert (full * embedder.encode(TEXTS[:4])).sum(axis=1).min() > 0.97
    digests = {Embedder.open(models, precision=each).digest for each in ("int8", "float32", "torch")}
    assert len(digests) == 3


def test_a_text_longer_than_the_model_reads_is_read_whole(embedder: Embedder) -> None:
    about_bread = "The dough rests in a warm bowl until it has doubled. " * 60
    long = about_bread + "Therapy can change how the brain works. " * 60
    (vector,) = embedder.encode([long])
    therapy, bread = embedder.encode(["Therapy can change how the brain works.", about_bread[:53]])
    assert vector @ therapy > 0.5
    assert vector @ bread > 0.5
    assert embedder.encode(["y" * 100_000]).shape == (1, 384)


def test_word_vectors_leave_marks_out(embedder: Embedder) -> None:
    reading = embedder.read("Yes, therapy!")
    assert reading.words.shape == (2, 384)
    assert embedder.read("?!").words.shape == (0, 384)


def test_answering_never_imports_torch(models: Path, embedder: Embedder) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "import retrieval.search, retrieval.build, retrieval.articles\n"
        "assert 'numpy' in sys.modules and 'onnxruntime' not in sys.modules\n"
        "from retrieval.embed import Embedder\n"
        f"Embedder.open(Path({str(models)!r})).encode(['hello'])\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'bm25s', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors", "modules.json", "1_Pooling/config.json"])
def test_a_model_folder_that_misses_a_file_says_which(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(default_model(), folder)
    (folder / name).unlink()
    with pytest.raises(ModelUnusable, match=name) as raised:
        Embedder.open(tmp_path / "cache", model=folder)
    assert "\n" not in str(raised.value)


def test_a_model_that_is_damaged_says_so_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(default_model(), folder)
    (folder / "model.safetensors").write_bytes(b"no model")
    with pytest.raises(ModelUnusable, match="cannot be loaded") as raised:
        Embedder.open(tmp_path / "cache", model=folder)
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "cache").iterdir())


def test_an_unknown_precision_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="int8, float32, torch"):
        Embedder.open(tmp_path, precision="int4")


def test_a_damaged_export_is_made_anew(tmp_path: Path, models: Path, embedder: Embedder) -> None:
    shutil.copytree(models / embedder.digest, tmp_path / embedder.digest)
    graph = next((tmp_path / embedder.digest).glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:1000])
    steps: list[int] = []
    again = Embedder.open(tmp_path, progress=lambda doing, done, of: steps.append(done))
    assert steps == [1, 2, 3, 4]
    assert np.array_equal(again.encode(TEXTS), embedder.encode(TEXTS))
