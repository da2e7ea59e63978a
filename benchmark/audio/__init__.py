"""Sound beside sound: what generated audio is compared with its reference by."""
