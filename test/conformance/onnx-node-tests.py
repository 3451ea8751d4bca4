"""Writes ONNX's own backend node tests as files: NAME.onnx, NAME.in.I.pb, NAME.out.I.pb. Usage: onnx-node-tests.py FOLDER"""

import os
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node

warnings.filterwarnings("ignore")
# Names that NumPy dropped and that ONNX before 1.14 uses.
for name, kind in (("float", float), ("int", int), ("bool", bool), ("object", object)):
    if name not in np.__dict__:
        setattr(np, name, kind)
folder = sys.argv[1]
try:
    cases = node.collect_testcases(None)
except TypeError:
    cases = node.collect_testcases()
for case in cases:
    inputs, outputs = case.data_sets[0]
    if case.model is None or not all(isinstance(a, np.ndarray) for a in [*inputs, *outputs]):
        continue
    try:
        files = {f"{case.name}.onnx": case.model.SerializeToString()}
        for side, arrays in (("in", inputs), ("out", outputs)):
            for i, array in enumerate(arrays):
                files[f"{case.name}.{side}.{i}.pb"] = numpy_helper.from_array(array).SerializeToString()
    except (TypeError, ValueError, KeyError, NotImplementedError):
        continue
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
print(onnx.__version__)
