"""The command `handrail`: joins the commands of bot/commands."""

from __future__ import annotations

import typer

from bot.commands import corpus, house, keeping, people, safety, serving, speaking

app = typer.Typer(
    name="handrail",
    help="A companion chatbot for mental-health practices, with handoff to human clinicians.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    serving.serve,
    corpus.index,
    speaking.ask,
    speaking.screen,
    house.check,
    house.doctor,
    house.settings_table,
    corpus.evaluate,
    corpus.gaps,
    keeping.backup,
    keeping.restore,
    keeping.erase,
    keeping.export,
    keeping.retention,
    house.drill,
    safety.referrals,
    house.migrate_store,
):
    name = {"settings_table": "settings"}.get(command.__name__, command.__name__.replace("_", "-"))
    app.command(name)(command)
app.add_typer(people.user, name="user")
app.add_typer(people.key, name="key")
app.add_typer(people.audit, name="audit")
app.add_typer(safety.shadow, name="shadow")
app.add_typer(safety.marks, name="marks")
app.add_typer(keeping.webhook, name="webhook")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
