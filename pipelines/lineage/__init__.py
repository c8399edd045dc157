"""Which examples, datasets and releases saw a piece of code; keeping it out from now on; bringing a dataset back."""
