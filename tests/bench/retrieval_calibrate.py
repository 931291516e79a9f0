"""Fits the confidence on the question set's `tune` split and writes retrieval/calibration.json.

    .venv/bin/python tests/bench/retrieval_calibrate.py [--write] [--data FOLDER]

Each question is asked twice: of the articles as they are, and of the same articles without the questions and summaries
that their authors gave, as a folder that nobody prepared would be. The threshold is the one at which wrong answers and
missed answers are as likely on `tune`. `held` is printed and takes no part.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import date
from pathlib import Path

import numpy as np

from retrieval.articles import Corpus, read_articles
from retrieval.build import build_index
from retrieval.confidence import Signs
from retrieval.embed import Embedder
from retrieval.evaluate import auroc
from retrieval.questions import Question, read_questions
from retrieval.search import Search

ROOT = Path(__file__).resolve().parents[2]
NAMES = [field.name for field in dataclasses.fields(Signs)]
STRENGTH = 1.0  # of the pull towards zero, on standardised signs


def unprepared(corpus: Corpus) -> Corpus:
    articles = [dataclasses.replace(a, questions=(), summary="", digest=a.digest[::-1]) for a in corpus.articles]
    return dataclasses.replace(corpus, articles=tuple(articles))


def signs(corpus: Corpus, questions: list[Question], embedder: Embedder, folder: Path, today: date) -> np.ndarray:
    build_index(corpus, folder, embedder)
    search = Search.open(folder, embedder, today=lambda: today)
    rows = []
    for question in questions:
        found = search.find(question.text, context=question.turns[:-1])
        rows.append([getattr(found.signs, name) for name in NAMES] if found.signs else [0.0] * len(NAMES))
    return np.array(rows)


def fit(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Logistic regression by Newton's method: (bias, slopes) for the signs as they are."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([np.ones(len(x)), (x - mean) / spread])
    pull = np.diag([0.0] + [STRENGTH] * x.shape[1])
    beta = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ beta))
        gradient = z.T @ (p - y) + pull @ beta
        beta -= np.linalg.solve((z.T * (p * (1 - p))) @ z + pull, gradient)
    slopes = beta[1:] / spread
    return float(beta[0] - slopes @ mean), slopes


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--write", action="store_true")
    options.add_argument("--data", type=Path, default=ROOT / "data" / "bench")
    chosen = options.parse_args()
    today = date(2026, 1, 1)
    embedder = Embedder.open(chosen.data / "models")
    corpus = read_articles(ROOT / "corpus/en/articles")
    asked = [q for q in read_questions(ROOT / "corpus/en/questions.toml") if q.expect in ("answer", "no_answer")]
    y = np.array([question.expect == "answer" for question in asked])
    tune = np.array([question.split == "tune" for question in asked])
    as_is = signs(corpus, asked, embedder, chosen.data / "as-is", today)
    bare = signs(unprepared(corpus), asked, embedder, chosen.data / "bare", today)
    bias, slopes = fit(np.vstack([as_is[tune], bare[tune]]), np.concatenate([y[tune], y[tune]]))

    def likely(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(bias + x @ slopes)))

    grid = np.linspace(0.05, 0.95, 181)
    both, truth = np.concatenate([likely(as_is[tune]), likely(bare[tune])]), np.concatenate([y[tune], y[tune]])
    errors = [abs((both[truth] < at).mean() - (both[~truth] >= at).mean()) + 1e-6 * abs(at - 0.5) for at in grid]
    threshold = round(float(grid[int(np.argmin(errors))]), 3)
    for name, x in (("as they are", as_is), ("unprepared", bare)):
        for split, chosen_rows in (("tune", tune), ("held", ~tune)):
            p, t = likely(x[chosen_rows]), y[chosen_rows]
            area = auroc(list(zip(p.tolist(), t.tolist(), strict=True)))
            answered, kept = (p[t] >= threshold).mean(), (p[~t] < threshold).mean()
            print(
                f"{name:12} {split}: AUROC {area:.4f}, answerable answered {answered:.3f}, unanswerable not {kept:.3f}"
            )
    held = {
        "how": "logistic regression on the first find's signs; tests/bench/retrieval_calibrate.py on split tune of "
        f"corpus/en/questions.toml ({int(tune.sum())} questions, asked of prepared and of unprepared articles), "
        f"model {embedder.name}; the threshold is where wrong and missed answers are as likely there",
        "threshold": threshold,
        "weights": {"bias": round(bias, 4), **{n: round(float(v), 4) for n, v in zip(NAMES, slopes, strict=True)}},
    }
    text = json.dumps(held, indent=2) + "\n"
    print(text)
    if chosen.write:
        (ROOT / "retrieval/calibration.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
