"""The vocabulary: what an application is made of, whatever framework it uses.

Each kind of fact is a frozen dataclass in the module of its topic; rules and inventories ask the
application for all facts of a kind.
"""
