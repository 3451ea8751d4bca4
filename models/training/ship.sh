#!/bin/sh
# From a checkpoint to the two networks that ship, float and int8, and their clean scores:
#   models/training/ship.sh NAME CAMVID STREET        (from the project's root; NAME as in networks.py)
set -eu
name=$1 camvid=$2 street=$3
models=${MODELS:-models}
run=models/training/runs/$name
python=${PYTHON:-python3}
"$python" models/training/export.py "$name" "$run/best.pt" "$run/model.onnx"
npx faultline import "$run/model.onnx" --manifest "$run/model.json" --name "$name-float" --models "$models" --force
npx faultline quantize "$run/model.onnx" --manifest "$run/model.json" -o "$models/$name" --calibrate "$camvid/train" --calibrate "$street/train"
cp "$run/log.txt" "models/training/logs/$name.txt"
for network in "$name-float" "$name"; do
  npx tsx scripts/evaluate.ts --model "$models/$network" --data "$camvid/test" --split-name "CamVid test" --write-manifest
  npx tsx scripts/evaluate.ts --model "$models/$network" --data "$street/test" --split-name "street test" --write-manifest
done
