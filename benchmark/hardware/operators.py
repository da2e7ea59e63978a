"""What generated C does for each operator of torch: nothing, in place, or into memory of its own.

Names are those of `aten` operators as a forward without gradients dispatches them, overloads left off. An operator
that stands in none of the tables is an error, never nothing.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SAME_BYTES = _names(
    "view _unsafe_view reshape _reshape_alias flatten unflatten squeeze unsqueeze detach alias lift_fresh"
    " view_as_real view_as_complex unsafe_view _conj _neg_view resolve_conj resolve_neg"
)
"""The same bytes under another shape."""

MOVES = _names("permute transpose t movedim numpy_T mT swapaxes")
"""The same bytes only where no axis with more than one element passes another such."""

ONE_TO_ONE = _names(
    # Each element of the result depends on elements at its own place only, so that it can be written over one of them.
    "add sub rsub mul div neg abs sign reciprocal sqrt rsqrt pow square clamp clamp_min clamp_max clip maximum"
    " minimum relu relu6 leaky_relu prelu _prelu_kernel hardtanh hardsigmoid hardswish threshold elu selu celu silu"
    " mish gelu sigmoid tanh exp expm1 exp2 log log2 log10 log1p log_sigmoid_forward softplus softsign sin cos atan2"
    " remainder fmod floor ceil round trunc frac erf where masked_fill lerp addcmul addcdiv native_batch_norm"
    " _native_batch_norm_legit_no_training _to_copy logical_not logical_and logical_or eq ne lt le gt ge isnan"
    " nan_to_num bitwise_not bitwise_and tan asin acos atan sinh cosh asinh acosh atanh sinc logit hardshrink"
    " softshrink heaviside isinf isfinite"
)

OWN_MEMORY = _names(
    "convolution addmm mm bmm baddbmm mv addmv dot max_pool2d_with_indices max_pool3d_with_indices avg_pool1d"
    " avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d mean sum prod amax amin max"
    " min argmax argmin var std var_mean std_mean norm linalg_vector_norm cumsum cumprod logsumexp _softmax"
    " _safe_softmax _log_softmax native_layer_norm native_group_norm cat stack slice select narrow split"
    " split_with_sizes unsafe_split unsafe_split_with_sizes chunk unsafe_chunk unbind expand repeat repeat_interleave"
    " tile flip roll clone contiguous constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d"
    " replication_pad2d index index_select gather embedding scatter scatter_add index_add index_put index_copy"
    " slice_scatter select_scatter unfold im2col col2im as_strided diagonal tril triu sort topk upsample_nearest1d"
    " upsample_nearest2d upsample_linear1d upsample_bilinear2d upsample_bicubic2d pixel_shuffle pixel_unshuffle"
    " channel_shuffle glu _fft_r2c _fft_c2r _fft_c2c complex real imag polar angle _weight_norm_interface bucketize"
    " searchsorted _cdist_forward permute transpose t movedim copy"
)
"""Everything else that is known: the result must not lie over an operand."""

FROM_NOTHING = _names(
    "empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros ones ones_like new_ones"
    " full full_like new_full arange linspace eye scalar_tensor hann_window zero fill hamming_window"
)
"""Results that no operand's values are in: tables, folded into the program."""

RANDOM = _names("rand randn rand_like randn_like randint bernoulli uniform normal exponential")
"""Results that are drawn anew in every call, from no operand."""

NO_TENSOR = _names("_local_scalar_dense item is_nonzero equal _assert_async _assert_scalar _functional_assert_async")
"""A number for the program that runs the net."""

FUNCTIONS: dict[str, int] = {
    # Calls of tanh, sigmoid, exp, log or the like for each element of the result.
    **dict.fromkeys(_names("sigmoid tanh exp expm1 exp2 log log2 log10 log1p elu selu celu silu softplus erf"), 1),
    **dict.fromkeys(_names("gelu log_sigmoid_forward sin cos atan2 angle pow sqrt rsqrt _softmax _log_softmax"), 1),
    **dict.fromkeys(_names("_safe_softmax linalg_vector_norm norm logsumexp glu"), 1),
    **dict.fromkeys(_names("tan asin acos atan sinh cosh asinh acosh atanh sinc logit"), 1),
    **dict.fromkeys(_names("mish polar"), 2),
}

FOLDED = frozenset(("native_batch_norm", "_native_batch_norm_legit_no_training"))
"""Norms with constant statistics; they become part of the convolution or product before them."""
BEFORE_FOLDED = _names("convolution addmm mm")
