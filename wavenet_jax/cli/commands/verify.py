"""What `wavenet-jax verify` does with its arguments."""

from wavenet_jax.cli import process
from wavenet_jax.cli.arguments import PROGRAM, Verify
from wavenet_jax.errors import escape
from wavenet_jax.runs import Verification, accept_run, verify_run


def verify(command: Verify) -> int:
    """Print a line for each file and checkpoint of a run; return 1 if one is damaged, else 0."""
    if command.accept:
        accept_run(command.run)
    found = verify_run(command.run)
    for name, damage in found.files.items():
        print(escape(f"{name:24} {damage or 'whole'}"))
    for step, damage in found.checkpoints.items():
        roles = {"best": found.best, "latest": found.latest}
        role = " and ".join(name for name, of in roles.items() if of == step)
        print(escape(f"{f'checkpoint {step:,}':24} {damage or 'whole'}{f' ({role})' * bool(role)}"))
    process.say(_conclusion(command, found))
    return 1 if found.damages else 0


def _conclusion(command: Verify, found: Verification) -> str:
    """Say what can be done with the run."""
    if not found.damages:
        return f"{command.run} is whole{'' if found.latest else ', without a checkpoint yet'}."
    if found.damages == [found.files["metrics.jsonl"]]:
        return (
            f"{command.run} can be used, but not resumed: restore metrics.jsonl, or let "
            f"`{PROGRAM} verify {command.run} --accept` take it as it is."
        )
    if any(found.files.values()):
        return (
            f"{command.run} is damaged: restore the file, or train the run again.  If you changed "
            f"it yourself, `{PROGRAM} verify {command.run} --accept` takes it as it is."
        )
    if found.latest is None:
        return f"{command.run} has no whole checkpoint: restore one, or train the run again."
    return (
        f"{command.run} can be used: resume goes on from step {found.latest:,}, and step "
        f"{found.best:,} is the best that is whole."
    )
