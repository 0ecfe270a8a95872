"""What the program of a client sees, step by step, printed as JSON for the test to compare."""

import json
import os
import sys
import threading

# Far more than any step takes, on a machine that is busy with other things as well.
ANSWER_BOUND_S = 10

_seen = []


def step(ask, *words, by=lambda result: result, **options):
    """Asks for something that a server does; `by` brings the result to a form that can be compared."""

    def act():
        return {"is": plain(by(ask(*words, **options)))}

    _note(_named(ask, words, options), act)


def opening(ask):
    """Asks something for the first time: where nothing answers as it should, the program ends."""
    step(ask)
    if "failed" in _seen[-1]:
        finish()


def refusal(ask, *words, **options):
    """Asks for something that a server refuses."""

    def act():
        try:
            result = ask(*words, **options)
        except Exception as error:
            return {"refused": plain(error)}
        return {"failed": "it was not refused", "is": plain(result)}

    _note(_named(ask, words, options), act)


def finish():
    """Prints what was seen and ends the program, whatever its client still does."""
    print("\n" + json.dumps(_seen), flush=True)
    os._exit(0)


def plain(value):
    """A value as JSON that tells apart what Python tells apart."""
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, bytes):
        return f"(bytes {value.decode('latin1')})"
    if isinstance(value, dict):
        return {str(plain(name)): plain(part) for name, part in value.items()}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(map(plain, value))}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return f"(a {type(value).__name__})"


def _note(name, act):
    # A timer, not a signal: a signal would be an exception in the middle of the client.
    timer = threading.Timer(ANSWER_BOUND_S, _give_up, [name])
    timer.start()
    try:
        outcome = act()
    except Exception as error:
        outcome = {"failed": plain(error)}
    timer.cancel()
    _seen.append({"step": name, **outcome})


def _give_up(name):
    _seen.append({"step": name, "failed": f"no answer in {ANSWER_BOUND_S} s"})
    finish()


def _named(ask, words, options):
    arguments = [getattr(word, "__name__", repr(word)) for word in words]
    arguments += [f"{name}={value!r}" for name, value in options.items()]
    return f"{ask.__name__}({', '.join(arguments)})"[:200]


def _end_with(kind, error, trace):
    _seen.append({"step": "an exception between the steps", "failed": plain(error)})
    finish()


sys.excepthook = _end_with
