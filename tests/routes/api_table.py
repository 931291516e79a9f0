"""The summary of what was asked of the API at random, by role: printed at the end of the run."""

from __future__ import annotations

from collections import Counter

MADE: list[Table] = []
KINDS = ("2xx", "401", "403", "404", "409", "422", "others")


class Table:
    """Counts answers. `checks` are made on each answer, on every one of `operations`."""

    def __init__(self, operations: int, checks: int) -> None:
        self.operations, self.checks, self.faults = operations, checks, 0
        self._codes: dict[str, Counter[int]] = {}

    def note(self, role: str, status: int) -> None:
        self._codes.setdefault(role, Counter())[status] += 1

    def of(self, role: str) -> Counter[int]:
        return self._codes.get(role, Counter())

    def done(self, faults: int) -> Table:
        self.faults = faults
        return self

    def lines(self) -> list[str]:
        cases = sum(codes.total() for codes in self._codes.values())
        said = f"{self.operations} operations, {cases:,} calls, {cases * self.checks:,} checks ({self.checks} an answer), {self.faults} faults"
        head = "| asked as | " + " | ".join(("calls", *KINDS)) + " |"
        rows = [
            f"| {role} | {codes.total()} | " + " | ".join(str(self._kinds(codes)[kind]) for kind in KINDS) + " |"
            for role, codes in sorted(self._codes.items(), key=lambda one: -one[1].total())
        ]
        return [said, "", head, "|---" * (len(KINDS) + 2) + "|", *rows]

    @staticmethod
    def _kinds(codes: Counter[int]) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for code, number in codes.items():
            name = "2xx" if code < 300 else str(code)
            kinds[name if name in KINDS else "others"] += number
        return kinds
