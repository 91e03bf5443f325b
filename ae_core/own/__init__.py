"""A reader's own models: designing, queueing, training, telling and sharing them."""
