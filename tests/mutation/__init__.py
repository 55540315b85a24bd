"""The mutation proof: take one guard out of a hardened application; exactly its routes must open.

`sites` finds what can be taken out (from the source alone), `names` what it brings, `expected` which
routes that opens, `trial` what our report makes of it. `python -m tests.mutation TREE` tries a tree.
"""
