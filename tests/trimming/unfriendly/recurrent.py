"""Recurrent layers and cells, and where their states come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.trimming.nets import Net
from tests.trimming.unfriendly.kit import Nets, net, weight

nets = Nets()


def over_time(cell: nn.Module, initial: Callable[[Net, Tensor], Any], **parts: Any) -> Net:
    """A cell in a loop, read at its last step."""

    def forward(s: Net, x: Tensor) -> Tensor:
        state = initial(s, x)
        for t in range(x.shape[1]):
            state = s.c(x[:, t], state)
        return s.o(state[0] if isinstance(state, tuple) else state)

    return net(forward, c=cell, o=nn.Linear(16, 3), **parts)


_OWN = {"c": 16}
for _label, _cell in {"gru": nn.GRUCell, "rnn": nn.RNNCell}.items():
    nets.add(f"{_label} cell from zeros of stored width", _OWN, stored=("hidden",))(
        lambda cell=_cell: over_time(cell(4, 16), lambda s, x: x.new_zeros(len(x), s.hidden), hidden=16)
    )
nets.add("lstm cell from nothing", _OWN)(lambda: over_time(nn.LSTMCell(4, 16), lambda s, x: None))
nets.add("lstm cell from zeros of its own width", _OWN)(
    lambda: over_time(nn.LSTMCell(4, 16), lambda s, x: (x.new_zeros(len(x), s.c.hidden_size),) * 2)
)
nets.add("cell from another layer's state", {"i+c": 16})(
    lambda: over_time(nn.GRUCell(4, 16), lambda s, x: torch.tanh(s.i(x.mean(1))), i=nn.Linear(4, 16))
)


@nets.add("two cells in one loop", {"c": 16, "d": 12})
def _two_cells() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h, k = x.new_zeros(len(x), s.c.hidden_size), x.new_zeros(len(x), s.d.hidden_size)
        outputs = []
        for step in x.unbind(1):
            h = s.c(step, h)
            k = s.d(torch.cat([h, step], -1), k)
            outputs.append(k)
        return s.o(torch.stack(outputs, 1))

    return net(forward, c=nn.GRUCell(4, 16), d=nn.GRUCell(20, 12), o=nn.Linear(12, 3))


@nets.add("lstm from zeros of stored width", {"r": 16}, stored=("hidden",))
def _lstm_from_zeros() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        h, c = torch.zeros(1, x.shape[0], s.hidden), torch.zeros(1, x.shape[0], s.hidden)
        return s.o(s.r(x, (h, c))[0])

    return net(forward, r=nn.LSTM(4, 16, batch_first=True), o=nn.Linear(16, 3), hidden=16)


@nets.add("two lstms from zeros of one stored width", {})
def _two_lstms() -> Net:
    """Whatever the attribute says, it can follow one of them only."""

    def forward(s: Net, x: Tensor) -> Tensor:
        def zeros() -> Tensor:
            return x.new_zeros(1, x.shape[0], s.hidden)

        return s.o(s.q(s.r(x, (zeros(), zeros()))[0], (zeros(), zeros()))[0])

    layers = {"r": nn.LSTM(4, 16, batch_first=True), "q": nn.LSTM(16, 16, batch_first=True), "o": nn.Linear(16, 3)}
    return net(forward, **layers, hidden=16)


@nets.add("lstm from a learned state", {"r": 16})
def _lstm_from_a_learned_state() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        start = tuple(state.expand(-1, len(x), -1).contiguous() for state in (s.h, s.c))
        return s.o(s.r(x, start)[0])

    layers = {"r": nn.LSTM(4, 16, 2, batch_first=True), "o": nn.Linear(16, 3)}
    return net(forward, **layers, h=weight(2, 1, 16), c=weight(2, 1, 16))


@nets.add("lstm from another layer", {"i+r": 16}, (2, 6, 4), (2, 5))
def _lstm_from_another_layer() -> Net:
    def forward(s: Net, x: Tensor, c: Tensor) -> Tensor:
        h = torch.tanh(s.i(c)).unsqueeze(0)
        return s.o(s.r(x, (h, torch.zeros_like(h)))[0])

    return net(forward, i=nn.Linear(5, 16), r=nn.LSTM(4, 16, batch_first=True), o=nn.Linear(16, 3))


@nets.add("packed sequence out of order", {"a": 6, "g": 5})
def _packed_out_of_order() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        lengths = torch.tensor([4, 6])
        packed = nn.utils.rnn.pack_padded_sequence(s.a(x), lengths, batch_first=True, enforce_sorted=False)
        return s.o(torch.cat([state[-1] for state in s.g(packed)[1]], -1))

    return net(forward, a=nn.Linear(4, 6), g=nn.LSTM(6, 5, batch_first=True), o=nn.Linear(10, 3))


nets.add("lstm with projection", {})(
    lambda: net(lambda s, x: s.o(s.r(x)[0]), r=nn.LSTM(4, 16, proj_size=6, batch_first=True), o=nn.Linear(6, 3))
)


@nets.add("last states of both directions", {"g": 7}, stored=("hidden",))
def _last_states() -> Net:
    def forward(s: Net, x: Tensor) -> Tensor:
        last = s.g(x)[1].view(2, 2, len(x), s.hidden)[-1]
        return s.o(torch.cat([last[0], last[1]], -1))

    return net(forward, g=nn.GRU(4, 7, 2, batch_first=True, bidirectional=True), o=nn.Linear(14, 3), hidden=7)
