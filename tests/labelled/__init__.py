"""A labelled set of secrets and near-misses: real shapes, synthetic values, one seed.

Every value is put together at run time, so that this repository holds none. `corpus(seed)` gives
the files; `python -m tests.labelled DIRECTORY` writes them for another scanner and measures ours.
docs/secrets.md describes the set and its results.
"""
