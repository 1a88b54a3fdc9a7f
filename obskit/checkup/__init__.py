"""The morning round: each system of the stack, green or not, with the number that says why.

``systems/`` holds one file a system: which topics of the catalogue speak of it, and which
questions about it are no signal. `obskit.checkup.round.make` makes the round.
"""
