# expect: definition @4: it raises ZeroDivisionError
"""A slip in its own code."""

LEVEL = 1 / 0
RULES = ()
