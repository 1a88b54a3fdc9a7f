"""The engine's conscience: how often it is right on incidents whose truth is known, and how sure it may be.

``corpus`` finds labelled recordings, ``run`` lets the engine look at them, ``outcome`` says of
each what was right, ``scores`` sums up, ``against`` compares with an earlier time. ``fit`` teaches
the probabilities (`obskit.incident.calibration`) on a corpus and tries them on what they never saw.
"""
