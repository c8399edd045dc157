"""From a night's files to a candidate, and whether anything is left to decide. Publishing is the flow's."""
