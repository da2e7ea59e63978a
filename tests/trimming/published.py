"""Published audio networks, written down again in the style of their public implementations, small.

Widths are stored as numbers and used in reshapes, units are split, shuffled into heads and normed by weight, and states
are made in the forward: what breaks a tool that goes by names and types of layers. Widths differ where the paper lets
them, so that a mix-up shows.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.zoo import Case


class Crepe(nn.Module):
    """Kim, Salamon, Li & Bello, "CREPE: A convolutional representation for pitch estimation", ICASSP 2018.

    (batch, 1024) samples -> (batch, 30) pitch bins.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [1, 24, 8, 9, 10, 11, 16]
        kernels, strides = [512] + [64] * 5, [4] + [1] * 5
        self.padding = [(254, 254)] + [(31, 32)] * 5
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            kernel, stride = (kernels[index], 1), (strides[index], 1)
            setattr(self, f"conv{index + 1}", nn.Conv2d(inputs, outputs, kernel, stride))
            setattr(self, f"conv{index + 1}_BN", nn.BatchNorm2d(outputs, eps=0.001, momentum=0.0))
        self.in_features = 4 * widths[-1]
        self.classifier = nn.Linear(self.in_features, 30)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None, :, None]
        for index, padding in enumerate(self.padding):
            x = F.pad(x, (0, 0, *padding))
            x = F.relu(getattr(self, f"conv{index + 1}")(x))
            x = getattr(self, f"conv{index + 1}_BN")(x)
            x = F.max_pool2d(x, (2, 1), (2, 1))
        x = x.permute(0, 2, 1, 3).reshape(-1, self.in_features)
        return torch.sigmoid(self.classifier(x))


class OpenUnmix(nn.Module):
    """Stoeter, Uhlich, Liutkus & Mitsufuji, "Open-Unmix: A reference implementation for source separation", JOSS 2019.

    (batch, channels, bins, frames) magnitudes of the mix -> the same of one source; bins above `nb_bins` are not read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nb_output_bins, self.nb_bins, self.nb_channels, self.hidden_size = 21, 17, 2, 26
        self.fc1 = nn.Linear(self.nb_bins * self.nb_channels, self.hidden_size, bias=False)
        self.bn1 = nn.BatchNorm1d(self.hidden_size)
        lstm_hidden = self.hidden_size // 2
        self.lstm = nn.LSTM(self.hidden_size, lstm_hidden, num_layers=3, dropout=0.4, bidirectional=True)
        self.fc2 = nn.Linear(self.hidden_size + 2 * lstm_hidden, self.hidden_size, bias=False)
        self.bn2 = nn.BatchNorm1d(self.hidden_size)
        self.fc3 = nn.Linear(self.hidden_size, self.nb_output_bins * self.nb_channels, bias=False)
        self.bn3 = nn.BatchNorm1d(self.nb_output_bins * self.nb_channels)
        self.input_mean = nn.Parameter(torch.randn(self.nb_bins))
        self.input_scale = nn.Parameter(torch.rand(self.nb_bins) + 0.5)
        self.output_scale = nn.Parameter(torch.rand(self.nb_output_bins) + 0.5)
        self.output_mean = nn.Parameter(torch.rand(self.nb_output_bins))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(3, 0, 1, 2)
        frames, batch, channels, _ = x.shape
        mix = x.detach().clone()
        x = x[..., : self.nb_bins]
        x = (x + self.input_mean) * self.input_scale
        x = self.bn1(self.fc1(x.reshape(-1, channels * self.nb_bins)))
        x = torch.tanh(x.reshape(frames, batch, self.hidden_size))
        lstm_out = self.lstm(x)
        x = torch.cat([x, lstm_out[0]], -1)
        x = F.relu(self.bn2(self.fc2(x.reshape(-1, x.shape[-1]))))
        x = self.bn3(self.fc3(x)).reshape(frames, batch, channels, self.nb_output_bins)
        x = x * self.output_scale
        x = x + self.output_mean
        return (F.relu(x) * mix).permute(1, 2, 3, 0)


def _old_weight_norm(module: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(module)


class GatedBlock(nn.Module):
    """One layer of `WaveNetVocoder`: (batch, residual, time), (batch, mel, time) -> residual, skip."""

    def __init__(self, dilation: int, norm: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        residual, gate, skip, mel, kernel = 12, 28, 10, 6, 3
        self.padding = (kernel - 1) * dilation
        self.conv = norm(nn.Conv1d(residual, gate, kernel, padding=self.padding, dilation=dilation))
        self.conv1x1c = norm(nn.Conv1d(mel, gate, 1, bias=False))
        self.conv1x1_out = norm(nn.Conv1d(gate // 2, residual, 1))
        self.conv1x1_skip = norm(nn.Conv1d(gate // 2, skip, 1))

    def forward(self, x: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        residual, splitdim = x, 1
        x = self.conv(F.dropout(x, 0.05, self.training))
        x = x[:, :, : residual.size(-1)]
        a, b = x.split(x.size(splitdim) // 2, dim=splitdim)
        c = self.conv1x1c(mel)
        ca, cb = c.split(c.size(splitdim) // 2, dim=splitdim)
        a, b = a + ca, b + cb
        x = torch.tanh(a) * torch.sigmoid(b)
        skip = self.conv1x1_skip(x)
        return (self.conv1x1_out(x) + residual) * math.sqrt(0.5), skip


class WaveNetVocoder(nn.Module):
    """Oord et al., "WaveNet: A generative model for raw audio", arXiv 1609.03499, 2016; conditioned on mel bands.

    (batch, 1, time), (batch, mel, time / 8) -> (batch, 9, time). `old`: weight norm by a hook, not a parametrization.
    """

    def __init__(self, old: bool) -> None:
        super().__init__()
        norm = _old_weight_norm if old else nn.utils.parametrizations.weight_norm
        self.upsample = nn.ModuleList(
            [norm(nn.ConvTranspose2d(1, 1, (3, 2 * scale), (1, scale), (1, scale // 2))) for scale in (4, 2)]
        )
        self.first_conv = norm(nn.Conv1d(1, 12, 1))
        self.conv_layers = nn.ModuleList([GatedBlock(2 ** (layer % 3), norm) for layer in range(6)])
        self.last_conv_layers = nn.ModuleList(
            [nn.ReLU(), norm(nn.Conv1d(10, 11, 1)), nn.ReLU(), norm(nn.Conv1d(11, 9, 1))]
        )

    def forward(self, x: Tensor, mel: Tensor) -> Tensor:
        mel = mel.unsqueeze(1)
        for layer in self.upsample:
            mel = F.leaky_relu(layer(mel), 0.4)
        mel = mel.squeeze(1)
        x, skips = self.first_conv(x), 0.0
        for block in self.conv_layers:
            x, skip = block(x, mel)
            skips = skips + skip
        x = skips * math.sqrt(1.0 / len(self.conv_layers))
        for layer in self.last_conv_layers:
            x = layer(x)
        return x


class ConditionedBlock(nn.Module):
    """One layer of `MicroTCN`: a convolution, FiLM over a norm without affine, PReLU, and a depthwise shortcut."""

    def __init__(self, inputs: int, outputs: int, dilation: int, condition: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, 5, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm1d(outputs, affine=False)
        self.adaptor = nn.Linear(condition, 2 * outputs)
        self.relu = nn.PReLU(outputs)
        self.res = nn.Conv1d(inputs, outputs, 1, groups=inputs, bias=False)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shortcut = self.res(x)
        x = self.bn(self.conv(x))
        scale, shift = self.adaptor(condition).chunk(2, dim=-1)
        x = self.relu(x * scale.unsqueeze(-1) + shift.unsqueeze(-1))
        return x + shortcut[..., -x.shape[-1] :]


class MicroTCN(nn.Module):
    """Steinmetz & Reiss, "Efficient neural networks for real-time modeling of analog dynamic range compression", 2021.

    (batch, 1, time), (batch, 3) knobs -> (batch, 1, time - 28). `growth`: channels for each of the layer before,
    from the second layer on. After Bai, Kolter & Koltun, arXiv 1803.01271, 2018.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.gen = nn.Sequential(nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 15), nn.ReLU(), nn.Linear(15, 13), nn.ReLU())
        widths = [1] + [channels * growth**layer for layer in range(3)]
        self.blocks = nn.ModuleList([ConditionedBlock(*widths[layer : layer + 2], 2**layer, 13) for layer in range(3)])
        self.output = nn.Conv1d(widths[-1], 1, 1)

    def forward(self, x: Tensor, knobs: Tensor) -> Tensor:
        condition = self.gen(knobs)
        for block in self.blocks:
            x = block(x, condition)
        return torch.tanh(self.output(x))


def _mlp(inputs: int, hidden: int, layers: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for width in [inputs] + [hidden] * (layers - 1):
        parts += [nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.LeakyReLU()]
    return nn.Sequential(*parts)


class Reverb(nn.Module):
    """A trained impulse response that fades, after the dry sound."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.noise = nn.Parameter(torch.rand(length, 1) * 2 - 1)
        self.decay, self.wet = nn.Parameter(torch.tensor(5.0)), nn.Parameter(torch.tensor(0.3))
        self.register_buffer("t", (torch.arange(length) / 400).reshape(1, -1, 1))

    def forward(self, x: Tensor) -> Tensor:
        impulse = self.noise * torch.exp(-F.softplus(-self.decay) * self.t * 500) * torch.sigmoid(self.wet)
        impulse = torch.cat([torch.ones_like(impulse[:, :1]), impulse[:, 1:]], 1)
        impulse = F.pad(impulse, (0, 0, 0, x.shape[1] - self.length))
        return _convolved(x.squeeze(-1), impulse.squeeze(-1)).unsqueeze(-1)


def _convolved(signal: Tensor, kernel: Tensor) -> Tensor:
    """Causal convolution over the last dim, as long as the signal."""
    length = 2 * signal.shape[-1]
    return torch.fft.irfft(torch.fft.rfft(signal, n=length) * torch.fft.rfft(kernel, n=length))[..., : length // 2]


class Ddsp(nn.Module):
    """Engel, Hantrakul, Gu & Roberts, "DDSP: Differentiable digital signal processing", ICLR 2020.

    (batch, frames, 1) fundamental in Hz, (batch, frames, 1) loudness -> (batch, 16 frames, 1) samples.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hidden_size, self.block_size, self.sampling_rate = 22, 16, 16000
        self.in_mlps = nn.ModuleList([_mlp(1, 20, 3), _mlp(1, 24, 3)])
        self.gru = nn.GRU(20 + 24, self.hidden_size, batch_first=True)
        self.out_mlp = _mlp(self.hidden_size + 2, 18, 3)
        self.proj_matrices = nn.ModuleList([nn.Linear(18, 7 + 1), nn.Linear(18, 9)])
        self.reverb = Reverb(50)

    def forward(self, pitch: Tensor, loudness: Tensor) -> Tensor:
        hidden = torch.cat([self.in_mlps[0](pitch / 1000), self.in_mlps[1](loudness)], -1)
        start = torch.zeros(1, pitch.shape[0], self.hidden_size, dtype=hidden.dtype, device=hidden.device)
        hidden = torch.cat([self.gru(hidden, start)[0], pitch / 1000, loudness], -1)
        hidden = self.out_mlp(hidden)
        controls, bands = (self._positive(matrix(hidden)) for matrix in self.proj_matrices)
        return self.reverb(self._harmonics(controls, pitch) + self._noise(bands * 0.01))

    def _positive(self, x: Tensor) -> Tensor:
        return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7

    def _upsampled(self, x: Tensor) -> Tensor:
        return F.interpolate(x.permute(0, 2, 1), size=x.shape[1] * self.block_size).permute(0, 2, 1)

    def _harmonics(self, controls: Tensor, pitch: Tensor) -> Tensor:
        total, amplitudes = controls[..., :1], controls[..., 1:]
        number = torch.arange(1, amplitudes.shape[-1] + 1).to(pitch)
        amplitudes = amplitudes * ((pitch * number < self.sampling_rate / 2).to(pitch) + 1e-4)
        amplitudes = amplitudes / amplitudes.sum(-1, keepdim=True) * total
        phase = torch.cumsum(2 * math.pi * self._upsampled(pitch) / self.sampling_rate, 1)
        return (torch.sin(phase * number) * self._upsampled(amplitudes)).sum(-1, keepdim=True)

    def _noise(self, bands: Tensor) -> Tensor:
        response = torch.fft.irfft(torch.view_as_complex(torch.stack([bands, torch.zeros_like(bands)], -1)))
        size = response.shape[-1]
        response = torch.roll(response, size // 2, -1) * torch.hann_window(size, dtype=bands.dtype)
        response = torch.roll(F.pad(response, (0, self.block_size - size)), -size // 2, -1)
        noise = torch.rand(*bands.shape[:2], self.block_size).to(bands) * 2 - 1
        return _convolved(noise, response).reshape(bands.shape[0], -1, 1)


class RotaryBlock(nn.Module):
    """Attention over frames with rotary positions, then an MLP, both after a layer norm and beside a shortcut."""

    def __init__(self, dim: int, heads: int, head_dim: int, hidden: int, fused: bool) -> None:
        super().__init__()
        self.heads, self.head_dim, self.fused = heads, head_dim, fused
        self.scale = head_dim**-0.5
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.proj = nn.Linear(heads * head_dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, dim))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, t, _ = x.shape
        qkv = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q, k = _rotated(q, cos[:t], sin[:t]), _rotated(k, cos[:t], sin[:t])
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(q @ k.transpose(-1, -2) * self.scale, dim=-1) @ v
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, self.heads * self.head_dim))
        return x + self.mlp(self.norm2(x))


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], -1) * sin


class RotaryTransformer(nn.Module):
    """Su et al., "RoFormer: Enhanced transformer with rotary position embedding", arXiv 2104.09864, 2021.

    (batch, frames, 15) spectrogram -> (batch, frames, 10). `fused`: attention in one call, else written out.
    """

    def __init__(self, fused: bool) -> None:
        super().__init__()
        dim, heads, head_dim = 20, 4, 6
        self.embed = nn.Linear(15, dim)
        self.blocks = nn.ModuleList([RotaryBlock(dim, heads, head_dim, hidden, fused) for hidden in (44, 48)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)
        angles = torch.arange(32)[:, None] * 100 ** (-torch.arange(0, head_dim, 2) / head_dim)
        self.register_buffer("cos", angles.cos().repeat(1, 2))
        self.register_buffer("sin", angles.sin().repeat(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.head(self.norm(x))


class UNet(nn.Module):
    """Jansson et al., "Singing voice separation with deep U-Net convolutional networks", ISMIR 2017.

    (batch, 1, bins, frames) magnitudes of the mix -> the same of the voice.
    """

    def __init__(self) -> None:
        super().__init__()
        down, up = [1, 8, 12, 17, 22], [22, 16, 13, 9, 1]
        for i, (inputs, outputs) in enumerate(pairwise(down)):
            conv = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
            setattr(self, f"conv{i + 1}", nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)))
        for i, outputs in enumerate(up[1:]):
            inputs = up[i] if i == 0 else up[i] + down[-1 - i]
            setattr(self, f"deconv{i + 1}", nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2))
            if i < 3:
                parts: list[nn.Module] = [nn.BatchNorm2d(outputs), nn.ReLU()] + [nn.Dropout2d(0.5)] * (i == 0)
                setattr(self, f"deconv{i + 1}_BAD", nn.Sequential(*parts))

    def forward(self, mix: Tensor) -> Tensor:
        conv1_out = self.conv1(mix)
        conv2_out = self.conv2(conv1_out)
        conv3_out = self.conv3(conv2_out)
        conv4_out = self.conv4(conv3_out)
        deconv1_out = self.deconv1_BAD(self.deconv1(conv4_out, output_size=conv3_out.size()))
        deconv2_out = self.deconv2(torch.cat([deconv1_out, conv3_out], 1), output_size=conv2_out.size())
        deconv2_out = self.deconv2_BAD(deconv2_out)
        deconv3_out = self.deconv3(torch.cat([deconv2_out, conv2_out], 1), output_size=conv1_out.size())
        deconv3_out = self.deconv3_BAD(deconv3_out)
        mask = self.deconv4(torch.cat([deconv3_out, conv1_out], 1), output_size=mix.size())
        return torch.sigmoid(mask) * mix


class WaveUNet(nn.Module):
    """Stoller, Ewert & Dixon, "Wave-U-Net: A multi-scale neural network for audio source separation", ISMIR 2018.

    (batch, 1, time) -> (batch, 3 sources, less time); the last source is what the others leave of the mix.
    """

    def __init__(self) -> None:
        super().__init__()
        down, up = [1, 9, 13, 18], [24, 19, 14, 10]
        self.downs = nn.ModuleList([nn.Conv1d(a, b, 9) for a, b in pairwise(down)])
        self.bottleneck = nn.Conv1d(down[-1], up[0], 9)
        self.ups = nn.ModuleList([nn.Conv1d(up[i] + skip, up[i + 1], 5) for i, skip in enumerate(reversed(down[1:]))])
        self.output = nn.Conv1d(up[-1] + 1, 2, 1)

    def forward(self, mix: Tensor) -> Tensor:
        x, skips = mix, []
        for conv in self.downs:
            x = F.leaky_relu(conv(x), 0.2)
            skips.append(x)
            x = x[:, :, ::2]
        x = F.leaky_relu(self.bottleneck(x), 0.2)
        for conv in self.ups:
            x = F.interpolate(x, size=2 * x.shape[-1] - 1, mode="linear", align_corners=True)
            x = F.leaky_relu(conv(torch.cat([_cropped(skips.pop(), x), x], 1)), 0.2)
        mix = _cropped(mix, x)
        sources = torch.tanh(self.output(torch.cat([mix, x], 1)))
        return torch.cat([sources, mix - sources.sum(1, keepdim=True)], 1)


def _cropped(x: Tensor, like: Tensor) -> Tensor:
    start = (x.shape[-1] - like.shape[-1]) // 2
    return x[..., start : start + like.shape[-1]]


def _frames() -> tuple[Tensor, ...]:
    return 100 + 300 * torch.rand(2, 8, 1), torch.randn(2, 8, 1)


def _wave() -> tuple[Tensor, ...]:
    return torch.randn(2, 1, 48), torch.randn(2, 6, 6)


def _knobs() -> tuple[Tensor, ...]:
    return torch.randn(2, 1, 64), torch.rand(2, 3)


PUBLISHED: dict[str, Case] = {
    "crepe": Case(Crepe, lambda: (torch.randn(2, 1024),), ()),
    "open-unmix": Case(OpenUnmix, lambda: (torch.rand(2, 2, 21, 7),), ()),
    "wavenet, weight norm by a hook": Case(lambda: WaveNetVocoder(True), _wave, ()),
    "wavenet, weight norm by a parametrization": Case(lambda: WaveNetVocoder(False), _wave, ()),
    "micro-tcn": Case(lambda: MicroTCN(16, 1), _knobs, ()),
    "micro-tcn, growing": Case(lambda: MicroTCN(8, 2), _knobs, ()),
    "ddsp": Case(Ddsp, _frames, ()),
    "transformer, fused attention": Case(lambda: RotaryTransformer(True), lambda: (torch.randn(2, 9, 15),), ()),
    "transformer, written-out attention": Case(lambda: RotaryTransformer(False), lambda: (torch.randn(2, 9, 15),), ()),
    "u-net": Case(UNet, lambda: (torch.rand(2, 1, 32, 20),), ()),
    "wave-u-net": Case(WaveUNet, lambda: (torch.randn(2, 1, 193),), ()),
}
