"""The language model: loading a base model and an adapter, its prompts, and generating with it."""
