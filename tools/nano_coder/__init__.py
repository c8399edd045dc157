"""How the bundled base model was made: corpus, tokenizer, training, evaluation, card."""
