"""What tasks hear with and are scored by: spectra, pitch, loudness, events in time, windows of frames."""
