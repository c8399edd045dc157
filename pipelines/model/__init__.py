"""What the language model and the encoder read, and how they are run. Shared by training, evaluation and assistant."""

import sys

# OpenVINO tells Google Analytics of each import, and asks nobody, unless this package of its own cannot be imported.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
