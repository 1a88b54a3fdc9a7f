# expect: definition @0: neither RULES nor SLOS
"""Nothing."""

ALERTS = ()
