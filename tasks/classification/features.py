"""From an mp3 to the log-mel patch that the net sees."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

RATE = 22_050
MELS, FRAMES = 64, 50
N_FFT, HOP = 1024, 441
ONSET = 0.01
"""-40 dB of the peak: where a note begins."""
SILENT = 1e-4
"""-80 dB of full scale: a file whose peak is lower holds no note. The softest published note peaks near -40 dB."""
FLOOR = 1e-6
CENTRE, SPREAD = -6.0, 5.0
"""Rounded mean and standard deviation of the log-mel values, fixed so that features do not depend on the split."""

OK, UNREADABLE, SILENT_FILE = 0, 1, 2
REASONS = {UNREADABLE: "not readable as audio", SILENT_FILE: "silent"}


def log_mel(audio: np.ndarray, rate: int) -> np.ndarray | None:
    """One second from the onset, peak-normalised, as a log-mel spectrogram.

    Parameters
    ----------
    audio
        (samples,) or (samples, channels), full scale 1.
    rate
        Its sampling rate in Hz.

    Returns
    -------
    numpy.ndarray or None
        (64, 50) float16, 20 ms a frame, 0 to 11,025 Hz; None for silence.
    """
    import librosa
    import soxr

    mono = audio if audio.ndim == 1 else audio.mean(1)
    mono = soxr.resample(mono, rate, RATE) if rate != RATE else mono
    level = np.abs(mono)
    peak = float(level.max(initial=0.0))
    if not (np.isfinite(peak) and peak >= SILENT):
        return None
    start = int(np.argmax(level >= ONSET * peak))
    second = np.zeros(RATE, np.float32)
    part = mono[start : start + RATE] / peak
    second[: len(part)] = part
    power = np.abs(librosa.stft(second, n_fft=N_FFT, hop_length=HOP)[:, :FRAMES]) ** 2
    scaled = (np.log(_filters() @ power + FLOOR) - CENTRE) / SPREAD
    return np.asarray(scaled, np.float16)


def extract(paths: Sequence[Path]) -> Mapping[str, np.ndarray]:
    """Features of files, in order.

    Returns
    -------
    Mapping
        `features` (files, 64, 50) float16, zero where there are none, and `status` (files,) uint8.
    """
    # Decoding, resampling and FFT leave the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        patches = list(pool.map(_read, paths))
    empty = np.zeros((MELS, FRAMES), np.float16)
    return {
        "features": np.stack([empty if isinstance(patch, int) else patch for patch in patches]),
        "status": np.array([patch if isinstance(patch, int) else OK for patch in patches], np.uint8),
    }


def _read(path: Path) -> np.ndarray | int:
    import soundfile

    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return UNREADABLE
    patch = log_mel(audio, rate)
    return SILENT_FILE if patch is None else patch


@lru_cache
def _filters() -> np.ndarray:
    import librosa

    return np.asarray(librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=MELS))
