"""From the dataset to what is learned from it: an adapter, a whole model, or nothing."""
