"""Triage over many recordings or services at once, on Dask.

``recorded`` finds recordings in folders and on other machines, ``services`` the services that there are, ``look``
is what a worker does with one of them, ``sweep`` hands them to workers, ``table`` tells what came of it.

Nothing here distributes, watches or retries anything itself: that is Dask's part.
"""
