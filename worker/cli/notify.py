"""`grice notify`: try the addresses that notifications go to."""

import typer

from grice_core.cli.terminal import stdout


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(notify)


def notify() -> None:
    """Send a test message to every address of GRICE_NOTIFY, and say which of them took it."""
    from grice_core.errors import InputError
    from worker.notifications import Message, addresses_of, deliver
    from worker.settings import worker_settings

    addresses = addresses_of(worker_settings())
    if not addresses:
        raise InputError(
            "no one is notified: set GRICE_NOTIFY to a JSON list of addresses, such as "
            '["mailto://user:password@example.org"]'
        )
    text = "This is a test: notifications of pipelines would reach you."
    found = {one.position: one for one in deliver(Message("Test", text), addresses)}
    for position in addresses:
        too_long = f"address {position + 1} of GRICE_NOTIFY took too long to answer"
        stdout().print(str(found.get(position, too_long)), highlight=False, markup=False)
    if any(one.trouble for one in found.values()) or len(found) < len(addresses):
        raise typer.Exit(1)
