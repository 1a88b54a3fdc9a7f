# expect: definition @4: RULES holds what is none
"""The name of an alert in place of one."""

RULES = ("DatabaseErrors",)
