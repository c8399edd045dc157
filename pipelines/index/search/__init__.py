"""A question over one open version: its filters, both arms, and the order of what they find."""
