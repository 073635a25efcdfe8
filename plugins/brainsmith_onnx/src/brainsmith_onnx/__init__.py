"""Preprocessing and postprocessing of (Q)ONNX models."""
