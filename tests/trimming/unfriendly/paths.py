"""Gates, conditions and skips; one tensor or module in two places."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trimming.nets import Net, conv
from tests.trimming.unfriendly.kit import WAVE, Nets, net

nets = Nets()
CONDITION = (2, 5)


@nets.add("film by chunk", {"a+film": 16}, WAVE, CONDITION, reads={"o": "a+film"})
def _film_by_chunk() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = s.a(x)
        gain, shift = s.film(c).unsqueeze(-1).chunk(2, 1)
        return s.o(F.relu(h * (1 + gain) + shift))

    return net(forward, a=conv(4, 16), film=nn.Linear(5, 32), o=conv(16, 3))


@nets.add("film in a view", {"a+film": 16}, WAVE, CONDITION, stored=("channels",), reads={"o": "a+film"})
def _film_in_a_view() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = s.a(x)
        gain, shift = s.film(c).view(len(c), 2, s.channels, 1).unbind(1)
        return s.o(F.relu(h * gain + shift))

    return net(forward, a=conv(4, 16), film=nn.Linear(5, 32), o=conv(16, 3), channels=16)


@nets.add("skips summed on zeros", {"a": 12, "k1+k2": 10}, WAVE, stored=("skip",), reads={"o": "k1+k2"})
def _skips_summed_on_zeros() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x))
        total = torch.zeros(len(x), s.skip, x.shape[-1])
        for layer in (s.k1, s.k2):
            total = total + layer(h)
        return s.o(total)

    return net(forward, a=conv(4, 12), k1=conv(12, 10), k2=conv(12, 10), o=conv(10, 3), skip=10)


@nets.add("skips summed in place", {"a": 12, "k1+k2": 10}, WAVE, reads={"o": "k1+k2"})
def _skips_summed_in_place() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h = torch.tanh(s.a(x))
        first = s.k1(h)
        total = torch.zeros_like(first)
        for skip in (first, s.k2(h)):
            total += skip
        return s.o(total)

    return net(forward, a=conv(4, 12), k1=conv(12, 10), k2=conv(12, 10), o=conv(10, 3))


@nets.add("output layer with the embedding's weight", {"e+p": 8, "g": 12})
def _output_layer_with_the_weight_of_the_embedding() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(s.p(s.g(s.e(x.argmax(-1)))[0]))

    layers = {"e": nn.Embedding(6, 8), "g": nn.GRU(8, 12, batch_first=True), "p": nn.Linear(12, 8)}
    made = net(forward, **layers, o=nn.Linear(8, 6))
    made.o.weight = made.e.weight
    return made


@nets.add("deep tied autoencoder", {"e+f": 16, "f": 8})
def _deep_tied_autoencoder() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        z = torch.tanh(s.f(torch.tanh(s.e(x))))
        return F.linear(torch.tanh(F.linear(z, s.f.weight.t())), s.e.weight.t())

    return net(forward, e=nn.Linear(4, 16), f=nn.Linear(16, 8))


@nets.add("one batch norm for two layers", {"a+b": 16}, WAVE, reads={"o": "a+b"})
def _one_batch_norm_for_two_layers() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        return s.o(torch.tanh(s.n(s.a(x))) * torch.sigmoid(s.n(s.b(x))))

    return net(forward, a=conv(4, 16), b=conv(4, 16), n=nn.BatchNorm1d(16), o=conv(16, 3))
