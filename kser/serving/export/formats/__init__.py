"""The formats of exported models."""

from kser.serving.export.formats.base import INT8, Computed, ExportFormat
from kser.serving.export.formats.litert import LiteRtFormat
from kser.serving.export.formats.onnx import OnnxFormat
from kser.serving.export.formats.openvino import OpenVinoFormat
from kser.serving.export.formats.saved_model import SavedModelFormat

FORMATS: dict[str, ExportFormat] = {
    each.name: each for each in (SavedModelFormat(), OnnxFormat(), LiteRtFormat(), OpenVinoFormat())
}
"""Every format by name."""

__all__ = ["FORMATS", "INT8", "Computed", "ExportFormat"]
