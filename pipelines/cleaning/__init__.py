"""What is secret or personal is blotted out before anything else reads a file; what cannot be checked stays out."""
