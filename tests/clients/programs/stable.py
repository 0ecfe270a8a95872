"""The results that differ between two servers that do the same, brought to the form that they share."""

# How much of a time to live has been used up at most when it is looked at, on a slow machine.
USED_UP = 0.6


def left(whole):
    """For a time to live that was set to `whole` a moment ago, in whatever unit."""
    return lambda time: f"nearly {whole}" if whole * (1 - USED_UP) < time <= whole else time


def kind(value):
    """For what a server numbers for itself: ids, times."""
    return f"(a {type(value).__name__})"


def kinds(values):
    return [kind(value) for value in values]


def only(*names):
    """For some of the facts that a server tells, which are more in every version."""
    return lambda told: {name: told.get(name) for name in names}


def workers(clients):
    """For CLIENT LIST, of the clients only those that have a name: others may be on their way out."""
    facts = only("name", "db", "flags", "user", "cmd")
    named = [facts(client) for client in clients if client["name"].startswith("worker")]
    return sorted(named, key=lambda client: client["name"])
