"""A model for another batch size."""

from __future__ import annotations

import onnx

from brainsmith_core.errors import ConfigurationError

__all__ = ["rebatched"]


def rebatched(model: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """Return a copy of a model for another batch size.

    Args:
        model: the model; it isn't changed.
        size: samples at once.

    Raises:
        ConfigurationError: if its shapes can't be found out again for that size.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.change_batchsize import ChangeBatchSize
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = ModelWrapper(model, make_deepcopy=True)
    try:
        wrapped = wrapped.transform(ChangeBatchSize(size)).transform(InferShapes())
    except Exception as error:  # foreign code: qonnx raises whatever its operators raise
        text = f"the model can't be changed to batch size {size}: {type(error).__name__}: {error}"
        raise ConfigurationError(text, hint="its graph has the batch size built in: export it again") from error
    changed: onnx.ModelProto = wrapped.model
    return changed
