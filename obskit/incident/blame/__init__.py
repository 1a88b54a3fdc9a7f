"""Who is to blame, from statistics alone: services and series ranked by metrics, logs, changes and calls.

For faults that no cause describes, and for systems that obskit does not know: it needs one matrix
of any units and names, and takes what else there is.

`effects`   the matrix -> when it began, and how far each column moved
`wording`   logs -> which services say something new
`waits`     the same logs, where lines tell their request -> whose doing it is that requests wait longer
`rollouts`  events and tasks -> which services changed, and whether their new tasks behave worse
`spread`    calls and the alert -> whose symptoms another's fault explains, where the alert leads
`scene`     what is asked and answered; `ranking`: all of it -> accounts, in figures
`explain`   the first accounts -> suspects, in words
"""

from __future__ import annotations
