"""What the language model and the encoder read, and how they are run. Shared by training, evaluation and assistant."""
