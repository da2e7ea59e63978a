"""Audio that tasks are trained on: rendering from a sound font, and a cache of what takes long to make."""
