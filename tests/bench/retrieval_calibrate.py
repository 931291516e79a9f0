"""Fits the confidence on the question set's `tune` split and writes retrieval/calibration.json.

    .venv/bin/python tests/bench/retrieval_calibrate.py [--write] [--data FOLDER]

Each question is asked of the articles as they are, of the same articles without the questions and summaries that their
authors gave, as a folder that nobody prepared would be, and of small folders of five of them, where only questions that
those answer, or none does, count. The threshold is the one at which wrong answers, counted
WORSE times, and missed answers are as likely on `tune`. `held` is printed and takes no part.
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
from retrieval.confidence import SIGNS
from retrieval.embed import Embedder
from retrieval.evaluate import auroc
from retrieval.model import Article
from retrieval.questions import Question, read_questions
from retrieval.search import Search

ROOT = Path(__file__).resolve().parents[2]
NAMES = list(SIGNS)
FEW, OF_FEW = 8, 5  # so many small folders, of so many articles
HELPS = ("dense", "lexical", "same", "three", "covered", "length")
HARMS = ("gap", "unknown", "far")
# Each question is also asked with more words around it, so that its length says nothing by itself.
AROUND = (
    "hi there, {} thanks a lot",
    "i talked about this with my sister yesterday and we could not agree, {}",
    "{} i have been wondering about that since last week and cannot find it anywhere",
)
WRAPPED = 0.25  # what a run of wrapped questions counts, against the bare ones
WORSE = 1.5  # what an answer beside the point counts, against an answer missed
STRENGTH = 1.0  # of the pull towards zero, on standardised signs


def unprepared(corpus: Corpus) -> Corpus:
    def bare(article: Article) -> Article:
        sections = tuple(dataclasses.replace(section, asked=()) for section in article.sections)
        return dataclasses.replace(article, questions=(), summary="", sections=sections, digest=article.digest[::-1])

    return dataclasses.replace(corpus, articles=tuple(bare(article) for article in corpus.articles))


def signs(
    corpus: Corpus, questions: list[Question], embedder: Embedder, folder: Path, today: date, *, wrapped: bool
) -> np.ndarray:
    build_index(corpus, folder, embedder)
    search = Search.open(folder, embedder, today=lambda: today)
    rows = []
    for place, question in enumerate(questions):
        text = AROUND[place % len(AROUND)].format(question.text) if wrapped else question.text
        found = search.find(text, context=question.turns[:-1])
        rows.append([getattr(found.signs, name) for name in NAMES] if found.signs else [0.0] * len(NAMES))
    return np.array(rows)


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Logistic regression by Newton's method: (bias, slopes). A sign that would count against its sense is left out."""
    used = list(range(x.shape[1]))
    while True:
        mean, spread = x[:, used].mean(axis=0), x[:, used].std(axis=0) + 1e-9
        z = np.column_stack([np.ones(len(x)), (x[:, used] - mean) / spread])
        pull = np.diag([0.0] + [STRENGTH] * len(used))
        beta = np.zeros(z.shape[1])
        for _ in range(50):
            p = 1 / (1 + np.exp(-z @ beta))
            gradient = z.T @ (weight * (p - y)) + pull @ beta
            beta -= np.linalg.solve((z.T * (weight * p * (1 - p))) @ z + pull, gradient)
        slopes = np.zeros(x.shape[1])
        slopes[used] = beta[1:] / spread
        wrong = [
            place
            for place in used
            if slopes[place] * (NAMES[place] in HELPS) < 0 or slopes[place] * (NAMES[place] in HARMS) > 0
        ]
        if not wrong:
            return float(beta[0] - slopes[used] @ mean), slopes
        used = [place for place in used if place not in wrong]


def balanced(y: np.ndarray) -> np.ndarray:
    """Weights by which a folder's answerable and unanswerable questions count the same, and each folder as much."""
    return np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())


def counts(name: str) -> float:
    """How much one run counts: the small folders together as much as two others, what is wrapped a part."""
    return (2 / FEW if "few" in name else 1.0) * (WRAPPED if "wrapped" in name else 1.0)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--write", action="store_true")
    options.add_argument("--data", type=Path, default=ROOT / "data" / "bench")
    chosen = options.parse_args()
    today = date(2026, 1, 1)
    embedder = Embedder.open(chosen.data / "models")
    corpus = read_articles(ROOT / "corpus/en/articles")
    asked = [q for q in read_questions(ROOT / "corpus/en/questions.toml") if q.expect in ("answer", "no_answer")]
    pages = read_articles(ROOT / "tests/importing/pages")
    of_pages = list(read_questions(ROOT / "tests/retrieval/pages.toml"))
    asked += [question for question in of_pages if "anywhere" in question.tags]
    runs = [("as they are", corpus, asked), ("unprepared", unprepared(corpus), asked), ("messy pages", pages, of_pages)]
    chance = np.random.default_rng(0)
    for number in range(FEW):
        picked = sorted(chance.choice(len(corpus.articles), OF_FEW, replace=False).tolist())
        few = dataclasses.replace(corpus, articles=tuple(corpus.articles[place] for place in picked))
        runs.append(("a few", unprepared(few) if number % 2 else few, asked))
    seen: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]] = []
    for name, articles, questions in runs:
        here = {article.slug for article in articles.articles}
        fit_in = [q for q in questions if q.expect == "no_answer" or here & set(q.articles)]
        y = np.array([question.expect == "answer" for question in fit_in])
        rows = np.array([question.split == "tune" for question in fit_in])
        for kind in ("bare", "wrapped"):
            x = signs(articles, fit_in, embedder, chosen.data / f"calibrate-{name}", today, wrapped=kind == "wrapped")
            seen.append((f"{name}, {kind}", x, y, rows))
    weights = np.concatenate([counts(name) * balanced(t[rows]) for name, _, t, rows in seen])
    truth = np.concatenate([truth[rows] for _, _, truth, rows in seen])
    bias, slopes = fit(np.vstack([x[rows] for _, x, _, rows in seen]), truth, weights * len(weights) / weights.sum())

    def likely(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(bias + x @ slopes)))

    both = np.concatenate([likely(x[rows]) for _, x, _, rows in seen])
    grid = np.linspace(0.05, 0.95, 181)
    wrong = [(weights * ((both < at) & truth)).sum() - WORSE * (weights * ((both >= at) & ~truth)).sum() for at in grid]
    errors = [abs(each) + 1e-6 * abs(at - 0.5) for each, at in zip(wrong, grid, strict=True)]
    threshold = round(float(grid[int(np.argmin(errors))]), 3)
    for name in dict.fromkeys(name for name, *_ in seen):
        for split in ("tune", "held"):
            own = [(likely(x), t, rows if split == "tune" else ~rows) for n, x, t, rows in seen if n == name]
            p, t = np.concatenate([p[rows] for p, _, rows in own]), np.concatenate([t[rows] for _, t, rows in own])
            area = np.mean([auroc(list(zip(p[rows].tolist(), t[rows].tolist(), strict=True))) for p, t, rows in own])
            answered, kept = (p[t] >= threshold).mean(), (p[~t] < threshold).mean()
            print(
                f"{name:21} {split}: AUROC {area:.4f}, answered {answered:.3f} of answerable, not {kept:.3f} of others"
            )
    held = {
        "how": "logistic regression on the first find's signs; tests/bench/retrieval_calibrate.py on split tune of "
        f"corpus/en/questions.toml and tests/retrieval/pages.toml ({sum(int(seen[n][3].sum()) for n in (0, 4))} questions, asked of prepared "
        f"and unprepared articles, all and five at a time, and of messy pages, bare and among other words), "
        f"model {embedder.name}; the threshold is where wrong answers, counted {WORSE} times, and missed ones are as likely there",
        "threshold": threshold,
        "weights": {"bias": round(bias, 4), **{n: round(float(v), 4) for n, v in zip(NAMES, slopes, strict=True)}},
    }
    text = json.dumps(held, indent=2) + "\n"
    print(text)
    if chosen.write:
        (ROOT / "retrieval/calibration.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
