"""Names by language: what n-grams make of them, and what the network does."""
