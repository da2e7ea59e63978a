"""Small models with the structure of the audio families: 21 variants. Widths differ, so that a mix-up shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A model, what it is called with, and the modules whose outputs are the model's."""

    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Tensor, ...]]
    protect: tuple[str, ...]


def scattered(model: nn.Module) -> nn.Module:
    """The model with norms whose parameters and statistics differ from unit to unit, so that a mix-up shows."""
    for module in model.modules():
        if isinstance(module, nn.LayerNorm | nn.modules.batchnorm._BatchNorm):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    nn.init.uniform_(tensor, 0.5, 1.5)
    return model


class WaveNet(nn.Module):
    """Gated dilated convolutions, conditioned on a mel spectrogram.

    `causal`: 'pad' on the left; 'both' sides, cropped on the right; 'valid' without padding, skips aligned right.
    `gate`: 'separate' convolutions, or one that is taken apart by 'chunk' or by 'slice'. `dead`: the last block has a
    residual convolution that nothing uses.
    """

    def __init__(self, causal: str = "pad", gate: str = "separate", dead: bool = False) -> None:
        super().__init__()
        residual, gated, skip, mel, out, up = 12, 14, 10, 6, 7, 8
        self.causal, self.gate = causal, gate
        self.dilations = [1, 2, 4] * 2
        wide = gated if gate == "separate" else 2 * gated
        self.front = nn.Conv1d(1, residual, 1)
        self.mel_up = nn.ConvTranspose1d(mel, mel, 2 * up, stride=up, padding=up // 2)
        self.filters, self.gates, self.filter_mels, self.gate_mels = (nn.ModuleList() for _ in range(4))
        self.residuals, self.skips = nn.ModuleList(), nn.ModuleList()
        for index, dilation in enumerate(self.dilations):
            padding = dilation if causal == "both" else 0
            self.filters.append(nn.Conv1d(residual, wide, 2, dilation=dilation, padding=padding))
            self.filter_mels.append(nn.Conv1d(mel, wide, 1, bias=False))
            if gate == "separate":
                self.gates.append(nn.Conv1d(residual, wide, 2, dilation=dilation, padding=padding))
                self.gate_mels.append(nn.Conv1d(mel, wide, 1, bias=False))
            if dead or index + 1 < len(self.dilations):
                self.residuals.append(nn.Conv1d(gated, residual, 1))
            self.skips.append(nn.Conv1d(gated, skip, 1))
        self.end1 = nn.Conv1d(skip, skip + 1, 1)
        self.end2 = nn.Conv1d(skip + 1, out, 1)

    def _gated(self, index: int, x: Tensor, mel: Tensor) -> Tensor:
        def branch(convs: nn.ModuleList, mels: nn.ModuleList) -> Tensor:
            y = convs[index](x)
            if self.causal == "both":
                y = y[:, :, : -self.dilations[index]]
            here = mel[:, :, -y.shape[-1] :] if self.causal == "valid" else mel[:, :, : y.shape[-1]]
            return y + mels[index](here)

        y = branch(self.filters, self.filter_mels)
        if self.gate == "separate":
            a, b = y, branch(self.gates, self.gate_mels)
        elif self.gate == "chunk":
            a, b = y.chunk(2, dim=1)
        else:
            half = y.shape[1] // 2
            a, b = y[:, :half], y[:, half:]
        return torch.tanh(a) * torch.sigmoid(b)

    def forward(self, x: Tensor, mel: Tensor) -> Tensor:
        mel = self.mel_up(mel)
        h = self.front(x)
        total = None
        for index, dilation in enumerate(self.dilations):
            z = self._gated(index, F.pad(h, (dilation, 0)) if self.causal == "pad" else h, mel)
            if index < len(self.residuals):
                h = (h[:, :, dilation:] if self.causal == "valid" else h) + self.residuals[index](z)
            skip = self.skips[index](z)
            total = skip if total is None else total[:, :, -skip.shape[-1] :] + skip
        return self.end2(F.relu(self.end1(F.relu(total))))


class DDSP(nn.Module):
    """Controls of a harmonic and noise synthesizer, and the synthesizer."""

    def __init__(self, norms: bool = True, synthesis: bool = True) -> None:
        super().__init__()
        hidden, harmonics, bands = 16, 9, 9
        self.rate, self.block, self.synthesis = 16000, 16, synthesis

        def mlp(inputs: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for width in (inputs, hidden, hidden):
                layers += [nn.Linear(width, hidden), nn.LayerNorm(hidden) if norms else nn.Identity(), nn.LeakyReLU()]
            return nn.Sequential(*layers)

        self.pitch, self.loudness = mlp(1), mlp(1)
        self.gru = nn.GRU(2 * hidden, hidden + 2, batch_first=True)
        self.out = mlp(hidden + 2 + 2)
        self.harmonic = nn.Linear(hidden, harmonics + 1)
        self.noise = nn.Linear(hidden, bands)

    def forward(self, f0: Tensor, loudness: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        h = torch.cat([self.pitch(f0), self.loudness(loudness)], -1)
        h, _ = self.gru(h)
        h = self.out(torch.cat([h, f0, loudness], -1))
        harmonic, noise = self.harmonic(h), self.noise(h)
        return self._synthesize(harmonic, noise, f0) if self.synthesis else (harmonic, noise)

    def _synthesize(self, harmonic: Tensor, noise: Tensor, f0: Tensor) -> Tensor:
        def scale(x: Tensor) -> Tensor:
            return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7

        def upsample(x: Tensor) -> Tensor:
            return F.interpolate(x.transpose(1, 2), scale_factor=self.block).transpose(1, 2)

        loud, shares = scale(harmonic)[..., :1], scale(harmonic)[..., 1:]
        number = torch.arange(1, shares.shape[-1] + 1)
        hertz = f0 * 100 + 200
        shares = shares * ((hertz * number) < self.rate / 2).to(shares)
        shares = shares / shares.sum(-1, keepdim=True) * loud
        phase = torch.cumsum(2 * math.pi * upsample(hertz) / self.rate, 1)
        tones = (torch.sin(phase * number) * upsample(shares)).sum(-1, keepdim=True)
        bands = scale(noise - 5)
        response = torch.fft.irfft(torch.complex(bands, torch.zeros_like(bands)), dim=-1)
        response = torch.roll(response, response.shape[-1] // 2, -1) * torch.hann_window(response.shape[-1])
        response = F.pad(response, (0, self.block))
        white = torch.rand(*response.shape[:2], self.block) * 2 - 1
        white = F.pad(white, (0, response.shape[-1] - self.block)).to(response)
        hiss = torch.fft.irfft(torch.fft.rfft(white) * torch.fft.rfft(response), n=response.shape[-1])
        return tones + hiss[..., : self.block].reshape(hiss.shape[0], -1, 1)


class SINGDecoder(nn.Module):
    def __init__(self, latent: int) -> None:
        super().__init__()
        self.c1 = nn.Conv1d(latent, 12, 9, padding=4)
        self.c2 = nn.Conv1d(12, 13, 1)
        self.c3 = nn.Conv1d(13, 14, 1)
        self.up = nn.ConvTranspose1d(14, 11, 4, stride=2, padding=1)
        self.out = nn.ConvTranspose1d(11, 1, 16, stride=4)

    def forward(self, z: Tensor) -> Tensor:
        for conv in (self.c1, self.c2, self.c3, self.up):
            z = F.relu(conv(z))
        return self.out(z)


class SINGGenerator(nn.Module):
    """Embeddings of instrument, pitch, velocity and time -> LSTM -> decoder."""

    def __init__(self, layers: int = 1, stacked: bool = False) -> None:
        super().__init__()
        self.instrument, self.pitch, self.velocity = nn.Embedding(10, 8), nn.Embedding(12, 6), nn.Embedding(5, 2)
        self.time = nn.Embedding(20, 4)
        self.stacked = stacked
        if stacked:
            self.lstm = nn.ModuleList([nn.LSTM(20 if i == 0 else 14 + i, 15 + i, batch_first=True) for i in range(3)])
        else:
            self.lstm = nn.LSTM(20, 17, num_layers=layers, batch_first=True)
        self.project = nn.Linear(17, 9)
        self.decoder = SINGDecoder(9)

    def forward(self, note: Tensor) -> Tensor:
        what = torch.cat([self.instrument(note[:, 0]), self.pitch(note[:, 1]), self.velocity(note[:, 2])], -1)
        when = self.time(torch.arange(20)).unsqueeze(0).expand(len(note), -1, -1)
        h = torch.cat([what.unsqueeze(1).expand(-1, 20, -1), when], -1)
        for lstm in self.lstm if self.stacked else [self.lstm]:
            h, _ = lstm(h)
        return self.decoder(self.project(h).transpose(1, 2))


class SINGAutoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 15, 16, stride=4), nn.ReLU(), nn.Conv1d(15, 14, 1), nn.ReLU(), nn.Conv1d(14, 9, 1)
        )
        self.decoder = SINGDecoder(9)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class CREPE(nn.Module):
    """Pitch CNN; `time_first`: flattened as (time, channel), the order of torchcrepe."""

    def __init__(self, time_first: bool) -> None:
        super().__init__()
        self.time_first = time_first
        widths = [1, 20, 6, 7, 8, 9, 10]
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 4 if index == 0 else 1
            self.convs.append(nn.Conv2d(inputs, outputs, (16 if index else 128, 1), stride=(stride, 1)))
            self.norms.append(nn.BatchNorm2d(outputs))
        self.pool = nn.MaxPool2d((2, 1), (2, 1))
        self.dense = nn.Linear(4 * widths[-1], 24)

    def forward(self, x: Tensor) -> Tensor:
        h = x[:, None, :, None]
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            h = F.pad(h, (0, 0, 62, 62) if index == 0 else (0, 0, 7, 8))
            h = self.pool(norm(F.relu(conv(h))))
        h = h.permute(0, 2, 1, 3).reshape(len(h), -1) if self.time_first else h.flatten(1)
        return torch.sigmoid(self.dense(h))


class OnsetCNN(nn.Module):
    """Three drums, three heads; over a spectrogram patch in two dims or in one."""

    def __init__(self, one_dim: bool = False) -> None:
        super().__init__()
        self.one_dim = one_dim
        if one_dim:
            self.c1, self.b1, self.c2 = nn.Conv1d(24, 12, 7), nn.BatchNorm1d(12), nn.Conv1d(12, 8, 3)
        else:
            self.c1, self.b1, self.c2 = nn.Conv2d(3, 10, (3, 7)), nn.BatchNorm2d(10), nn.Conv2d(10, 8, 3)
        self.fc = nn.Linear(8 * 7, 20)
        self.heads = nn.ModuleList([nn.Linear(20, 1) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.b1(self.c1(x)))
        h = F.relu(self.c2(h if self.one_dim else F.max_pool2d(h, (3, 1))))
        h = h if self.one_dim else F.max_pool2d(h, (3, 1))
        h = torch.sigmoid(self.fc(h.flatten(1)))
        return torch.cat([head(h) for head in self.heads], -1)


class ChordCNN(nn.Module):
    """A residual block and global average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12)
        self.c2, self.b2 = nn.Conv2d(12, 14, 3, padding=1), nn.BatchNorm2d(14)
        self.c3, self.b3 = nn.Conv2d(14, 12, 3, padding=1), nn.BatchNorm2d(12)
        self.c4, self.c5 = nn.Conv2d(12, 16, (1, 12)), nn.Conv2d(16, 25, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.b1(self.c1(x)))
        h = F.relu(h + self.b3(self.c3(F.relu(self.b2(self.c2(h))))))
        h = F.max_pool2d(h, (1, 2))
        return self.c5(F.relu(self.c4(h))).mean((2, 3))


class ChordCRNN(nn.Module):
    """Convolutions -> (batch, time, channels x bins) -> GRU -> heads; `bins_first`: flattened the other way."""

    def __init__(self, both_ways: bool = False, bins_first: bool = False) -> None:
        super().__init__()
        self.bins_first = bins_first
        self.c1, self.b1 = nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6)
        self.c2 = nn.Conv2d(6, 8, (1, 12))
        self.gru = nn.GRU(8 * 13, 11, bidirectional=both_ways, batch_first=True)
        width = 22 if both_ways else 11
        self.root, self.quality, self.bass = nn.Linear(width, 13), nn.Linear(width, 14), nn.Linear(width, 13)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        h = F.relu(self.c2(F.relu(self.b1(self.c1(x)))))
        h = h.permute(0, 2, 3, 1).flatten(2) if self.bins_first else h.permute(0, 2, 1, 3).flatten(2)
        h, _ = self.gru(h)
        return self.root(h), self.quality(h), self.bass(h)


def _zoo() -> dict[str, Case]:
    def random(*shape: int) -> Callable[[], tuple[Tensor, ...]]:
        return lambda: (torch.randn(*shape),)

    def wave() -> tuple[Tensor, ...]:
        return torch.randn(2, 1, 48), torch.randn(2, 6, 6)

    def frames() -> tuple[Tensor, ...]:
        return torch.randn(2, 10, 1), torch.randn(2, 10, 1)

    def notes() -> tuple[Tensor, ...]:
        return (torch.randint(0, 5, (2, 3)),)

    zoo = {f"wavenet-{c}": Case(lambda c=c: WaveNet(causal=c), wave, ("end2",)) for c in ("pad", "both", "valid")}
    zoo |= {f"wavenet-{g}": Case(lambda g=g: WaveNet(gate=g), wave, ("end2",)) for g in ("chunk", "slice")}
    zoo["wavenet-dead"] = Case(lambda: WaveNet(dead=True), wave, ("end2",))
    controls = ("harmonic", "noise")
    zoo["ddsp-controls"] = Case(lambda: DDSP(synthesis=False), frames, controls)
    zoo["ddsp-controls-no-norm"] = Case(lambda: DDSP(norms=False, synthesis=False), frames, controls)
    zoo["ddsp-synthesis"] = Case(DDSP, frames, controls)
    zoo["sing-lstm1"] = Case(lambda: SINGGenerator(1), notes, ("decoder.out",))
    zoo["sing-lstm3"] = Case(lambda: SINGGenerator(3), notes, ("decoder.out",))
    zoo["sing-stacked"] = Case(lambda: SINGGenerator(stacked=True), notes, ("decoder.out",))
    zoo["sing-autoencoder"] = Case(SINGAutoencoder, random(2, 1, 64), ("decoder.out",))
    zoo["crepe-time-first"] = Case(lambda: CREPE(True), random(2, 1024), ("dense",))
    zoo["crepe-channel-first"] = Case(lambda: CREPE(False), random(2, 1024), ("dense",))
    heads = ("heads.0", "heads.1", "heads.2")
    zoo["onset-2d"] = Case(OnsetCNN, random(2, 3, 24, 15), heads)
    zoo["onset-1d"] = Case(lambda: OnsetCNN(one_dim=True), random(2, 24, 15), heads)
    zoo["chord-cnn"] = Case(ChordCNN, random(2, 1, 7, 24), ("c5",))
    heads = ("root", "quality", "bass")
    zoo["chord-crnn"] = Case(ChordCRNN, random(2, 1, 7, 24), heads)
    zoo["chord-crnn-both-ways"] = Case(lambda: ChordCRNN(both_ways=True), random(2, 1, 7, 24), heads)
    zoo["chord-crnn-bins-first"] = Case(lambda: ChordCRNN(bins_first=True), random(2, 1, 7, 24), heads)
    return zoo


ZOO = _zoo()
