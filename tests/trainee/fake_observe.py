"""Stand-ins for `mldoctor.observe:observe` that need no torch."""

from mldoctor.errors import TargetError
from mldoctor.trainee import program

_running = []


def run(target, settings, send, clock):
    """Run the script and say how far it is; the script may call `fake_observe.report`."""
    _running[:] = [(settings, send, clock)]
    if target.is_module:
        program.run_module(target.path_or_module, target.arguments)
    else:
        program.run_script(target.path_or_module, target.arguments)


def run_twice(target, settings, send, clock):
    run(target, settings, send, clock)
    run(target, settings, send, clock)


def fail(target, settings, send, clock):
    raise ZeroDivisionError("mldoctor's own mistake")


def refuse(target, settings, send, clock):
    raise TargetError("nothing to examine here")


def malformed(target, settings, send, clock):
    send({"kind": "run", "value": {"updates": "many"}})
    send({"kind": "absent", "name": "Gradients", "reason": "no backward pass"})


def report(updates):
    ((settings, send, clock),) = _running
    send(
        {
            "kind": "progress",
            "stage": "natural steps",
            "updates": updates,
            "elapsed": clock(),
            "budget": settings.budget,
        }
    )


def then_goes_on(target, settings, send, clock):
    """The examination is over, and the script is run on for what it trains later."""
    _running[:] = [(settings, send, clock)]
    report(12)
    send({"kind": "examined", "seconds": 1.0})
    program.run_script(target.path_or_module, target.arguments)
