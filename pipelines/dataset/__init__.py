"""From symbols and syntax spans to training and holdout examples, each with its provenance."""
