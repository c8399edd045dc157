"""`python -m tools.docs`: write every generated file that is stale."""

from tools.docs.generate import write_stale

for name in write_stale():
    print(f"wrote {name}")
