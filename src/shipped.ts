/** The networks that the Worker ships. Written by `npx tsx scripts/shipped.ts`. */

import crfRnnManifest from "../models/crf-rnn/manifest.json";
import deeplabV2ResnetManifest from "../models/deeplab-v2-resnet/manifest.json";
import deeplabV2Resnet from "../models/deeplab-v2-resnet/model.onnx";
import deeplabV2Resnet50Manifest from "../models/deeplab-v2-resnet-50/manifest.json";
import deeplabV2Resnet75Manifest from "../models/deeplab-v2-resnet-75/manifest.json";
import deeplabV2ResnetMultiscaleManifest from "../models/deeplab-v2-resnet-multiscale/manifest.json";
import deeplabV2VggManifest from "../models/deeplab-v2-vgg/manifest.json";
import deeplabV2Vgg from "../models/deeplab-v2-vgg/model.onnx";
import deeplabV2VggCrfManifest from "../models/deeplab-v2-vgg-crf/manifest.json";
import enetStreetManifest from "../models/enet-street/manifest.json";
import enetStreet from "../models/enet-street/model.onnx";
import fcn8sResnetManifest from "../models/fcn8s-resnet/manifest.json";
import fcn8sResnet from "../models/fcn8s-resnet/model.onnx";
import fcn8sVggManifest from "../models/fcn8s-vgg/manifest.json";
import fcn8sVgg from "../models/fcn8s-vgg/model.onnx";
import icnetManifest from "../models/icnet/manifest.json";
import icnet from "../models/icnet/model.onnx";
import pspnetResnetManifest from "../models/pspnet-resnet/manifest.json";
import pspnetResnet from "../models/pspnet-resnet/model.onnx";

export interface Shipped {
  readonly manifest: unknown;
  readonly file: ArrayBuffer;
}

export const shipped: readonly Shipped[] = [
  { manifest: crfRnnManifest, file: fcn8sVgg },
  { manifest: deeplabV2ResnetManifest, file: deeplabV2Resnet },
  { manifest: deeplabV2Resnet50Manifest, file: deeplabV2Resnet },
  { manifest: deeplabV2Resnet75Manifest, file: deeplabV2Resnet },
  { manifest: deeplabV2ResnetMultiscaleManifest, file: deeplabV2Resnet },
  { manifest: deeplabV2VggManifest, file: deeplabV2Vgg },
  { manifest: deeplabV2VggCrfManifest, file: deeplabV2Vgg },
  { manifest: enetStreetManifest, file: enetStreet },
  { manifest: fcn8sResnetManifest, file: fcn8sResnet },
  { manifest: fcn8sVggManifest, file: fcn8sVgg },
  { manifest: icnetManifest, file: icnet },
  { manifest: pspnetResnetManifest, file: pspnetResnet },
];
