"""From the dataset to the QLoRA adapter."""
