"""What is mended in the C that emx-onnx-cgen 1.4 writes, each with its reason."""

from __future__ import annotations

import re

from benchmark.errors import BenchError

PREAMBLE = """\
/* Weights stay in flash: the AVR has it in an address space of its own. */
#if defined(__AVR__)
/* With more, GCC 5.4 breaks off at some sums of two tensors with an error of its own, and gets others wrong. */
#pragma GCC optimize ("O1")
#define MODEL_ROM const __flash
#define idx_t int16_t
/* Its library lacks these; lrint rounds halves to even, as they do. */
#define rintf(x) ((float)lrint(x))
#define nearbyintf(x) ((float)lrint(x))
#else
#define MODEL_ROM const
#endif
"""

_NODE = r"EMX_NODE_FN void {name}\((.*?)\) \{{"
_CALL = re.compile(r"^    (node\d+_\w+)\((.*)\);$", re.MULTILINE)


def repaired(text: str) -> str:
    """The code, right on bidirectional LSTMs, in single precision, and with its weights in flash.

    Raises
    ------
    BenchError
        The code does not look as it did when this was written.
    """
    return _in_flash(_in_single(_in_time(text)))


def without_zeros(text: str) -> str:
    """The code of a graph whose weights are all symmetric: it does not subtract their zeros. A fifth less on an AVR."""
    text = text.replace(" - (int32_t)(weight_zero_point[oc_global])", "")
    # Of sums of products only: a product of two activations has zeros of the same names.
    return re.sub(r"(acc \+= .*) - (?:b_zero|input1_zero)\)", r"\1)", text)


def _in_time(text: str) -> str:
    """A recurrent layer that runs backwards must write to the time it is at, not to the step it has come to."""
    return text.replace("output_y[step][dir][b][h] = h_new", "output_y[t][dir][b][h] = h_new")


def _in_single(text: str) -> str:
    """Integer kernels round in single precision, as onnxruntime does: a double costs hundreds of instructions.

    The matrix product also added the zero before rounding, which is another number for halves.
    """
    text = text.replace("ref_scalar_f64_nearbyint(scaled)", "rintf(scaled)")
    text = text.replace("ref_scalar_f32_nearbyint(scaled)", "rintf(scaled)")
    scaled = re.compile(
        r"double result = 1\.0 \* a_scale_val \* b_scale_val \* \(double\)acc;\n"
        r"( *)double scaled = result / y_scale_val \+ \(double\)y_zero;\n"
        r" *int64_t quantized = \(int64_t\)ref_scalar_f64_llrint\(scaled\);"
    )
    text = scaled.sub(
        r"const float scale = a_scale_val * b_scale_val / y_scale_val;\n"
        r"\1int32_t quantized = (int32_t)rintf((float)acc * scale) + y_zero;",
        text,
    )
    text = re.sub(r" *const double real_multiplier =.*?const uint64_t shift_half =[^;]*;\n", "", text, flags=re.DOTALL)
    text = re.sub(
        r"int64_t quantized;\n *if \(use_integer_requant\) \{.*?ref_scalar_f64_llrint\(scaled\);\n *\}",
        "int32_t quantized = (int32_t)rintf((float)acc * scale) + output_zero;",
        text,
        flags=re.DOTALL,
    )
    text = re.sub(r"const double ((?:a|b|y)_scale_val) = \(double\)", r"const float \1 = ", text)
    text = text.replace("int64_t acc = 0;", "int32_t acc = 0;").replace("acc += (int64_t)input_c[", "acc += input_c[")
    text = text.replace(
        "acc += (int64_t)(a_val - a_zero) * (int64_t)(b_val - b_zero);", "acc += (a_val - a_zero) * (b_val - b_zero);"
    )
    return re.sub(r"(quantized [<>=]) \(int64_t\)(-128|127)(?:\.0)?\b", r"\1 \2", text)


def _in_flash(text: str) -> str:
    """Weights, and the parameters that they are given to, are in the address space of the flash."""
    text = re.sub(
        r"^(extern )?const (EMX_UNUSED )?(\w+ weight\d+_)",
        lambda m: f"{m[1] or 'static '}{m[2] or ''}MODEL_ROM {m[3]}",
        text,
        flags=re.MULTILINE,
    )
    # Declarations ahead are of no use in one file, and would ask for definitions that are not static.
    text = re.sub(r"^extern MODEL_ROM [^;]*;\n", "", text, flags=re.MULTILINE)
    for name, arguments in _CALL.findall(text):
        head = re.search(_NODE.format(name=name), text)
        if head is None:
            raise BenchError(f"the C generator wrote a function that is not understood: {name}")
        parameters = head[1].split(", ")
        for place, argument in enumerate(arguments.split(", ")):
            if argument.startswith("weight"):
                parameters[place] = parameters[place].replace("const ", "MODEL_ROM ", 1)
        text = text[: head.start(1)] + ", ".join(parameters) + text[head.end(1) :]
    first_include = text.index("#include")
    return text[:first_include] + PREAMBLE + text[first_include:]
