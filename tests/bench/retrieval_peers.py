"""The search beside Haystack, LlamaIndex, LangChain with FAISS and txtai: same model, same passages, same questions.

    .venv/bin/python tests/bench/retrieval_peers.py [--data FOLDER] [--repeat N] [--copies N] [--only NAME …]

Each peer lives in a throw-away environment below --data, made on the first run (pip, the network), on top of this
environment's packages. All run the same int8 ONNX export through sentence-transformers' ONNX back end, which is the
peers' own documented way; each is asked one question at a time, in a process of its own. A question is right in the
first N when one of the first N passages holds a sentence that answers it. `--copies` appends so many reworded copies of
the corpus to see how the figures move with size; they never count as right.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
SHOWN = 3
PEERS = {
    "handrail": [],
    "haystack": ["haystack-ai", "sentence-transformers-haystack"],
    "llamaindex": ["llama-index-core", "llama-index-embeddings-huggingface"],
    "langchain": ["langchain-community", "langchain-huggingface"],
    "txtai": ["txtai", "transformers<5"],
}
Passages = list[dict[str, str]]


class System(Protocol):
    def ingest(self, passages: Passages, folder: Path) -> None: ...

    def open(self, folder: Path) -> None: ...

    def query(self, text: str, count: int) -> list[str]: ...


def onnx(model: Path) -> dict[str, Any]:
    return {"file_name": "onnx/" + next(path.name for path in (model / "onnx").iterdir() if "int8" in path.name)}


class Handrail:
    def __init__(self, model: Path) -> None:
        self._models = model.parent / "models"

    def ingest(self, passages: Passages, folder: Path) -> None:
        from retrieval.articles import Corpus
        from retrieval.build import build_index
        from retrieval.embed import Embedder
        from retrieval.model import Article, Section

        sections: dict[str, list[dict[str, str]]] = {}
        for passage in passages:
            sections.setdefault(passage["article"], []).append(passage)
        articles = [
            Article(slug, own[0]["title"], tuple(Section(p["heading"], (p["text"],)) for p in own), digest=slug)
            for slug, own in sections.items()
        ]
        build_index(Corpus(tuple(articles), ()), folder, Embedder.open(self._models))

    def open(self, folder: Path) -> None:
        from datetime import date

        from retrieval.embed import Embedder
        from retrieval.search import Search

        self._search = Search.open(folder, Embedder.open(self._models), today=lambda: date(2026, 1, 1))

    def query(self, text: str, count: int) -> list[str]:
        seen: dict[str, None] = {}
        for hit in self._search.search(text, limit=8):
            seen[hit.passage.text] = None
        return list(seen)[:count]


class Haystack:
    def __init__(self, model: Path) -> None:
        self._model = {"model": str(model), "backend": "onnx", "model_kwargs": onnx(model), "progress_bar": False}

    def ingest(self, passages: Passages, folder: Path) -> None:
        from haystack import Document
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
        )

        embedder = SentenceTransformersDocumentEmbedder(**self._model, meta_fields_to_embed=["title", "heading"])
        embedder.warm_up()
        made = [
            Document(id=str(n), content=p["text"], meta={"title": p["title"], "heading": p["heading"]})
            for n, p in enumerate(passages)
        ]
        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        store.write_documents(embedder.run(made)["documents"])
        store.save_to_disk(str(folder / "store.json"))

    def open(self, folder: Path) -> None:
        from haystack import Pipeline
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersTextEmbedder

        store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
        self._pipeline = Pipeline()
        self._pipeline.add_component("embed", SentenceTransformersTextEmbedder(**self._model))
        self._pipeline.add_component("find", InMemoryEmbeddingRetriever(store))
        self._pipeline.connect("embed.embedding", "find.query_embedding")
        self._pipeline.warm_up()

    def query(self, text: str, count: int) -> list[str]:
        found = self._pipeline.run({"embed": {"text": text}, "find": {"top_k": count}})
        return [document.content for document in found["find"]["documents"]]


class LlamaIndex:
    def __init__(self, model: Path) -> None:
        self._model = model

    def _embedding(self) -> Any:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        return HuggingFaceEmbedding(str(self._model), backend="onnx", model_kwargs=onnx(self._model), device="cpu")

    def ingest(self, passages: Passages, folder: Path) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode

        nodes = [TextNode(text=p["text"], metadata={"title": p["title"], "heading": p["heading"]}) for p in passages]
        VectorStoreIndex(nodes, embed_model=self._embedding()).storage_context.persist(str(folder))

    def open(self, folder: Path) -> None:
        from llama_index.core import StorageContext, load_index_from_storage

        held = StorageContext.from_defaults(persist_dir=str(folder))
        self._index: Any = load_index_from_storage(held, embed_model=self._embedding())
        self._retriever = self._index.as_retriever(similarity_top_k=SHOWN)

    def query(self, text: str, count: int) -> list[str]:
        return [found.node.text for found in self._retriever.retrieve(text)][:count]


class LangChain:
    def __init__(self, model: Path) -> None:
        self._model = model

    def _embedding(self) -> Any:
        from langchain_huggingface import HuggingFaceEmbeddings

        options = {"device": "cpu", "backend": "onnx", "model_kwargs": onnx(self._model)}
        return HuggingFaceEmbeddings(
            model_name=str(self._model), model_kwargs=options, encode_kwargs={"normalize_embeddings": True}
        )

    def ingest(self, passages: Passages, folder: Path) -> None:
        from langchain_community.vectorstores import FAISS

        texts = [f"{p['title']}\n{p['heading']}\n{p['text']}" for p in passages]
        FAISS.from_texts(texts, self._embedding(), metadatas=[{"text": p["text"]} for p in passages]).save_local(
            str(folder)
        )

    def open(self, folder: Path) -> None:
        from langchain_community.vectorstores import FAISS

        self._store = FAISS.load_local(str(folder), self._embedding(), allow_dangerous_deserialization=True)

    def query(self, text: str, count: int) -> list[str]:
        return [document.metadata["text"] for document in self._store.similarity_search(text, k=count)]


class Txtai:
    """With its hybrid search: BM25 and vectors."""

    def __init__(self, model: Path) -> None:
        self._options = {
            "path": str(model),
            "method": "sentence-transformers",
            "vectors": {"backend": "onnx", "model_kwargs": onnx(model)},
            "gpu": False,
            "hybrid": True,
            "content": False,
        }

    def ingest(self, passages: Passages, folder: Path) -> None:
        from txtai import Embeddings

        embeddings = Embeddings(self._options)
        embeddings.index((n, f"{p['title']}\n{p['heading']}\n{p['text']}", None) for n, p in enumerate(passages))
        embeddings.save(str(folder / "index"))
        (folder / "texts.json").write_text(json.dumps([p["text"] for p in passages]))

    def open(self, folder: Path) -> None:
        from txtai import Embeddings

        self._embeddings = Embeddings()
        self._embeddings.load(str(folder / "index"))
        self._texts = json.loads((folder / "texts.json").read_text())

    def query(self, text: str, count: int) -> list[str]:
        return [self._texts[number] for number, _ in self._embeddings.search(text, count)]


SYSTEMS: dict[str, type[Any]] = {
    "handrail": Handrail,
    "haystack": Haystack,
    "llamaindex": LlamaIndex,
    "langchain": LangChain,
    "txtai": Txtai,
}


def peak_mb() -> float:
    """This process's own peak, from its start (ru_maxrss would carry over its parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def work(name: str, phase: str, data: Path, repeat: int) -> dict[str, Any]:
    """One phase of one system, in this process."""
    begun = time.perf_counter()
    passages: Passages = json.loads((data / "passages.json").read_text())
    questions = json.loads((data / "questions.json").read_text())
    system: System = SYSTEMS[name](data / "peer-model")
    folder = data / f"store-{name}"
    if phase == "ingest":
        folder.mkdir(exist_ok=True)
        system.ingest(passages, folder)
        return {"ingest": time.perf_counter() - begun, "memory": peak_mb()}
    system.open(folder)
    system.query(questions[0]["text"], SHOWN)
    started = time.perf_counter() - begun
    times: list[float] = []
    first = shown = 0
    spent = time.process_time()
    for turn in range(repeat):
        for question in questions:
            text = question["text"] + " " * turn  # the same question, but no cached one
            at = time.perf_counter()
            found = system.query(text, SHOWN)
            times.append(time.perf_counter() - at)
            if turn == 0:
                right = [any(sentence in each for sentence in question["right"]) for each in found]
                first += right[:1] == [True]
                shown += any(right)
    spent = time.process_time() - spent
    times.sort()
    return {
        "cpu": spent / len(times) * 1e3,
        "start": started,
        "median": times[len(times) // 2] * 1e3,
        "p95": times[int(len(times) * 0.95)] * 1e3,
        "memory": peak_mb(),
        "first": first / len(questions),
        "shown": shown / len(questions),
        "count": len(questions),
    }


def prepare(data: Path, copies: int) -> None:
    """The passages, the questions and the model folder that all share."""
    from retrieval.articles import read_articles
    from retrieval.embed import Embedder, default_model, quantiser
    from retrieval.passages import all_passages
    from retrieval.questions import read_questions

    held = all_passages(read_articles(ROOT / "corpus/en/articles").articles)
    passages = [{"article": p.article, "title": p.title, "heading": p.heading, "text": p.text} for p in held]
    for copy in range(copies):
        passages += [
            {
                "article": f"{p.article}-{copy}",
                "title": f"Volume {copy}: {p.heading}",
                "heading": p.title,
                "text": " ".join(reversed(p.text.lower().split())) + f" {copy}",
            }
            for p in held
        ]
    asked = [
        {"text": q.text, "right": q.sentences}
        for q in read_questions(ROOT / "corpus/en/questions.toml")
        if q.expect == "answer" and len(q.turns) == 1 and q.split == "held"
    ]
    (data / "passages.json").write_text(json.dumps(passages))
    (data / "questions.json").write_text(json.dumps(asked))
    Embedder.open(data / "models")
    if not (data / "peer-model/onnx").is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

        model = SentenceTransformer(str(default_model()), backend="onnx", device="cpu", local_files_only=True)
        model.save_pretrained(str(data / "peer-model"))
        export_dynamic_quantized_onnx_model(model, quantiser(), str(data / "peer-model"))


def python_for(name: str, data: Path) -> Path:
    """The peer's own interpreter, its packages on top of ours. Raises RuntimeError when they cannot be installed."""
    if not PEERS[name]:
        return Path(sys.executable)
    folder = data / f"venv-{name}"
    python = folder / "bin/python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        here = next(path for path in sys.path if path.endswith("site-packages"))
        own = next((folder / "lib").iterdir()) / "site-packages"
        (own / "zz-shared.pth").write_text(here + "\n")
        done = subprocess.run([python, "-m", "pip", "install", "-q", *PEERS[name]], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"cannot be installed: {done.stderr.strip().splitlines()[-1][:160]}")
        (folder / "ready").touch()
    return python


def run(name: str, data: Path, repeat: int) -> dict[str, Any]:
    """Both phases in processes of their own. Raises RuntimeError with the last line of what went wrong."""
    python = python_for(name, data)
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    quiet |= {"HAYSTACK_TELEMETRY_ENABLED": "False", "PYTHONPATH": str(ROOT)}
    found: dict[str, Any] = {}
    for phase in ("ingest", "query"):
        command = [str(python), "-W", "ignore", __file__, "--data", str(data), "--work", name, phase]
        command += ["--repeat", str(repeat)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet}, timeout=600)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1][:200])
        found |= {f"{phase}_{key}": value for key, value in json.loads(done.stdout.splitlines()[-1]).items()}
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, default=ROOT / "data" / "bench")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--copies", type=int, default=0)
    options.add_argument("--only", nargs="*", default=list(PEERS))
    options.add_argument("--work", nargs=2)
    chosen = options.parse_args()
    if chosen.work:
        print(json.dumps(work(*chosen.work, chosen.data, chosen.repeat)))
        return
    chosen.data.mkdir(parents=True, exist_ok=True)
    prepare(chosen.data, chosen.copies)
    passages = len(json.loads((chosen.data / "passages.json").read_text()))
    print("system      passages/s  start s  query ms median    p95  CPU ms  memory MB  right first  right shown")
    for name in chosen.only:
        subprocess.run(["rm", "-rf", str(chosen.data / f"store-{name}")], check=True)
        try:
            got = run(name, chosen.data, chosen.repeat)
        except (RuntimeError, subprocess.SubprocessError) as fault:
            print(f"{name:11} skipped: {fault}")
            continue
        print(
            f"{name:11} {passages / got['ingest_ingest']:10.0f} {got['query_start']:8.2f} {got['query_median']:16.2f} "
            f"{got['query_p95']:6.2f} {got['query_cpu']:7.2f} {got['query_memory']:10.0f} "
            f"{got['query_first']:12.3f} {got['query_shown']:12.3f}"
        )
    count = len(json.loads((chosen.data / "questions.json").read_text()))
    print(f"{passages} passages, {count} held questions, asked {chosen.repeat} times; passages/s includes start-up")


if __name__ == "__main__":
    main()
