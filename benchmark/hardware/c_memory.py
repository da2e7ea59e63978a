"""One static arena for all that generated C works on, each array at a place where it meets no other that lives.

Left alone, every temporary has its own memory on the stack: a net needs the sum of its activations, and where that is
too much it overruns the stack in silence. In an arena it needs the most that lives at once, and the linker refuses.
Inputs and outputs lie in it too, so that an input's memory is used again once it has been read. A state that is carried
from call to call has bytes of its own, which nothing else uses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from benchmark.errors import BenchError
from benchmark.hardware.arena import Life, pack

SIZES = {"float": 4, "double": 8, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4, "int64_t": 8, "bool": 1}
IN_PLACE = {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Clip", "Add", "Mul", "Sub", "BatchNormalization"}
"""Each element of the output depends on the elements at that place only."""
SAME_BYTES = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
"""The output is the input under another shape: the copy is left out."""

_ENTRY = r"^void {name}\((.*?)\) \{{\n(.*?)^\}}\n"
_PARAMETER = re.compile(r"(const )?(\w+) (\w+)\[restrict (\d+)\]((?:\[\d+\])*)")
_TEMPORARY = re.compile(r"    (\w+) (tmp\d+_\w+)((?:\[\d+\])+);")
_CALL = re.compile(r"    (node(\d+)_\w+)\((.*)\);")
_NODE = re.compile(r"^ \* Node (\d+):\n \* OpType: (\w+)\n(.*?)\*/", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Put:
    """An input or output of the C function: a flat array in the arena."""

    kind: str
    """Of C: `float`, `int8_t`."""
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """Elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Generated code over an arena."""

    code: str
    """The function `entry(void)` and all that it calls; the array `model_arena`."""
    inputs: tuple[Put, ...]
    outputs: tuple[Put, ...]
    states: tuple[Put, ...]
    """What a call leaves to the next one."""
    arena_bytes: int
    array_bytes: int
    """Of all arrays, had each its own memory."""


@dataclass
class _Array:
    kind: str
    shape: tuple[int, ...]
    first: int | None = None
    """Number of the call that writes it; -1: there from the start."""
    last: int = -1
    """Number of the last call that touches it."""
    holder: str = ""
    """The array in whose memory it lies."""

    @property
    def bytes(self) -> int:
        return prod(self.shape) * SIZES[self.kind]

    def pointer(self, offset: int) -> str:
        rest = "".join(f"[{n}]" for n in self.shape[1:])
        return (
            f"({self.kind} (*){rest})(model_arena + {offset})" if rest else f"({self.kind} *)(model_arena + {offset})"
        )


@dataclass(frozen=True)
class _Call:
    function: str
    arguments: tuple[str, ...]
    operator: str
    attributes: str


def laid_out(text: str, entry: str, states: int = 0) -> Layout:
    """Put everything that the function `entry` works on into one arena.

    Parameters
    ----------
    states
        The last so many inputs are what the last so many outputs of the call before were: the entry sees to it.

    Raises
    ------
    BenchError
        The code does not look as it did when this was written.
    """
    found = next(re.finditer(_ENTRY.format(name=entry), text, re.MULTILINE | re.DOTALL), None)
    if found is None:
        raise BenchError("the C generator wrote no entry")
    arrays, inputs, outputs = _parameters(found[1])
    before, after = ([names.pop() for _ in range(states)][::-1] for names in (inputs, outputs))
    calls = _calls(text, found[2], arrays)
    _find_lives(arrays, calls, [*inputs, *before], [*outputs, *after])
    renames = _share(arrays, calls, before, after)
    _carry(arrays, before, after, len(calls))
    offsets, arena = _offsets(arrays)
    places = {name: array.pointer(offsets[name]) for name, array in arrays.items()}
    lines = [
        f"    {call.function}({', '.join(places.get(name, name) for name in call.arguments)});\n"
        for number, call in enumerate(calls)
        if number not in renames
    ]
    lines += [
        f"    memcpy(model_arena + {offsets[old]}, model_arena + {offsets[new]}, {arrays[old].bytes});\n"
        for old, new in zip(before, after, strict=True)
        if offsets[old] != offsets[new]
    ]
    code = (
        f"{text[: found.start()]}static uint8_t model_arena[{max(arena, 1)}] __attribute__((aligned(8)));\n"
        f"void {entry}(void) {{\n{''.join(lines)}}}\n{text[found.end() :]}"
    )
    puts = [
        tuple(Put(arrays[n].kind, arrays[n].shape, offsets[n]) for n in names) for names in (inputs, outputs, before)
    ]
    return Layout(code, puts[0], puts[1], puts[2], arena, sum(array.bytes for array in arrays.values()))


def _parameters(text: str) -> tuple[dict[str, _Array], list[str], list[str]]:
    """The entry's parameters as arrays, and which are inputs and which outputs."""
    arrays: dict[str, _Array] = {}
    names: tuple[list[str], list[str]] = ([], [])
    for part in text.split(", "):
        one = _PARAMETER.fullmatch(part.strip())
        if one is None:
            raise BenchError(f"the C generator wrote a parameter that is not understood: {part}")
        arrays[one[3]] = _array(one[2], (int(one[4]), *map(int, re.findall(r"\d+", one[5]))))
        names[0 if one[1] else 1].append(one[3])
    return arrays, *names


def _array(kind: str, shape: tuple[int, ...]) -> _Array:
    if kind not in SIZES:
        raise BenchError(f"the C generator wrote an array of a type that is not known: {kind}")
    return _Array(kind, shape)


def _calls(text: str, body: str, arrays: dict[str, _Array]) -> list[_Call]:
    """The calls of the entry; its temporaries are added to `arrays`."""
    operators = {int(number): (kind, rest) for number, kind, rest in _NODE.findall(text)}
    calls = []
    for line in body.splitlines():
        if one := _TEMPORARY.fullmatch(line):
            arrays[one[2]] = _array(one[1], tuple(map(int, re.findall(r"\d+", one[3]))))
        elif one := _CALL.fullmatch(line):
            calls.append(_Call(one[1], tuple(one[3].split(", ")), *operators[int(one[2])]))
        elif line.strip():
            raise BenchError(f"the C generator wrote a line that is not understood: {line.strip()}")
    return calls


def _find_lives(
    arrays: dict[str, _Array], calls: Sequence[_Call], inputs: Sequence[str], outputs: Sequence[str]
) -> None:
    for name, array in arrays.items():
        array.holder = name
    for name in inputs:
        arrays[name].first = -1
    for number, call in enumerate(calls):
        for name in call.arguments:
            if name in arrays:
                array = arrays[name]
                array.first = number if array.first is None else array.first
                array.last = number
    for name in outputs:
        arrays[name].last = len(calls)


def _share(arrays: dict[str, _Array], calls: Sequence[_Call], before: Sequence[str], after: Sequence[str]) -> set[int]:
    """Let results lie in the memory of operands; the numbers of the calls that then have nothing to do.

    A state to come never lies in one that is there: that may be overwritten before it is read.
    """
    renames = set()

    def free_after(holder: str, number: int) -> bool:
        return holder not in before and all(array.last <= number for array in arrays.values() if array.holder == holder)

    for number, call in enumerate(calls):
        *operands, output = call.arguments
        result = arrays[output]
        held = arrays[operands[0]].holder in before if operands[0] in arrays else False
        if operands[0] in arrays and _only_renames(call, result) and not (held and output in after):
            result.holder = arrays[operands[0]].holder
            renames.add(number)
        elif call.operator in IN_PLACE:
            given = [arrays[name] for name in operands if name in arrays]
            result.holder = next(
                (
                    array.holder
                    for array in given
                    if (array.kind, prod(array.shape)) == (result.kind, prod(result.shape))
                    and free_after(array.holder, number)
                ),
                result.holder,
            )
    return renames


def _carry(arrays: dict[str, _Array], before: Sequence[str], after: Sequence[str], end: int) -> None:
    """Keep the memory of every state, and let the next one lie in it where the old one has been read by then."""
    for old, new in zip(before, after, strict=True):
        read = max(array.last for array in arrays.values() if array.holder == old)
        first = arrays[new].first
        if arrays[new].holder == new and first is not None and read < first:
            arrays[new].holder = old
        arrays[old].last = end


def _only_renames(call: _Call, result: _Array) -> bool:
    """Whether the output is the first operand, byte for byte."""
    if call.operator in SAME_BYTES:
        return True
    permutation = re.search(r"perm: \[([\d, ]+)\]", call.attributes)
    if call.operator != "Transpose" or permutation is None:
        return False
    order = [int(place) for place in permutation[1].split(",")]
    moved = [place for place, size in zip(order, result.shape, strict=True) if size > 1]
    return moved == sorted(moved)


def _offsets(arrays: dict[str, _Array]) -> tuple[dict[str, int], int]:
    """Where each array lies, and how long the arena is."""
    spans: dict[str, Life] = {}
    for array in arrays.values():
        first = array.last if array.first is None else array.first
        known = spans.get(array.holder, Life(array.bytes, first, array.last))
        spans[array.holder] = Life(max(known.size, array.bytes), min(known.first, first), max(known.last, array.last))
    plan = pack(list(spans.values()))
    places = dict(zip(spans, plan.offsets, strict=True))
    return {name: places[array.holder] for name, array in arrays.items()}, plan.size
