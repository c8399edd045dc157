"""The DAG of a night, as DVC has it: stages, what is out of date, running one, and what a run wrote down."""
