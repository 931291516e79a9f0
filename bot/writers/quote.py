"""The default writer: the chosen sentences word for word in a short frame, with no model and no network."""

from __future__ import annotations

from bot.ports import Plan


class Quote:
    """Opening, the quotes with their numbers, a question back where there is one, and the sources at the end."""

    def write(self, plan: Plan) -> str:
        told = ("\n" if plan.items else "\n\n").join(plan.told)
        return "\n\n".join(filter(None, (plan.opening, told, plan.closing, "\n".join(plan.sources))))
