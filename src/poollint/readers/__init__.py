"""The readers: one module per file format, each found by walking this package.

A reader has `read(tree)`, which yields facts: Workload, Image, Database, Pooler, Version. It picks its files by name and
a cheap look at their bytes, has no opinions, and says every number with the place where it is written.
"""
