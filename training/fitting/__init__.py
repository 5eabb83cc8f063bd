"""Mini-batches to fitted weights: gradients, optimisers, early stopping."""
