"""What a dataset must be before anything is trained on it: a contract that ends the night, a suite that grades it."""
