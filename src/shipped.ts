/** The manifests of the networks that the Worker ships, not yet parsed. Written by `npx tsx scripts/shipped.ts`. */

import crfRnn from "../models/crf-rnn/manifest.json";
import crfRnnFloat from "../models/crf-rnn-float/manifest.json";
import deeplabV2Resnet from "../models/deeplab-v2-resnet/manifest.json";
import deeplabV2Resnet50 from "../models/deeplab-v2-resnet-50/manifest.json";
import deeplabV2Resnet50Float from "../models/deeplab-v2-resnet-50-float/manifest.json";
import deeplabV2Resnet75 from "../models/deeplab-v2-resnet-75/manifest.json";
import deeplabV2Resnet75Float from "../models/deeplab-v2-resnet-75-float/manifest.json";
import deeplabV2ResnetFloat from "../models/deeplab-v2-resnet-float/manifest.json";
import deeplabV2ResnetMultiscale from "../models/deeplab-v2-resnet-multiscale/manifest.json";
import deeplabV2ResnetMultiscaleFloat from "../models/deeplab-v2-resnet-multiscale-float/manifest.json";
import deeplabV2Vgg from "../models/deeplab-v2-vgg/manifest.json";
import deeplabV2VggCrf from "../models/deeplab-v2-vgg-crf/manifest.json";
import deeplabV2VggCrfFloat from "../models/deeplab-v2-vgg-crf-float/manifest.json";
import deeplabV2VggFloat from "../models/deeplab-v2-vgg-float/manifest.json";
import dilatedContext from "../models/dilated-context/manifest.json";
import dilatedContextFloat from "../models/dilated-context-float/manifest.json";
import dilatedFrontend from "../models/dilated-frontend/manifest.json";
import dilatedFrontendFloat from "../models/dilated-frontend-float/manifest.json";
import enetStreet from "../models/enet-street/manifest.json";
import enetStreetFloat from "../models/enet-street-float/manifest.json";
import enetStreetNoise from "../models/enet-street-noise/manifest.json";
import enetStreetNoiseFloat from "../models/enet-street-noise-float/manifest.json";
import fcn8sResnet from "../models/fcn8s-resnet/manifest.json";
import fcn8sResnetFloat from "../models/fcn8s-resnet-float/manifest.json";
import fcn8sVgg from "../models/fcn8s-vgg/manifest.json";
import fcn8sVggFloat from "../models/fcn8s-vgg-float/manifest.json";
import icnet from "../models/icnet/manifest.json";
import icnetFloat from "../models/icnet-float/manifest.json";
import pspnetResnet from "../models/pspnet-resnet/manifest.json";
import pspnetResnetFloat from "../models/pspnet-resnet-float/manifest.json";
import segnetVgg from "../models/segnet-vgg/manifest.json";
import segnetVggFloat from "../models/segnet-vgg-float/manifest.json";

export const shipped: readonly unknown[] = [
  crfRnn,
  crfRnnFloat,
  deeplabV2Resnet,
  deeplabV2Resnet50,
  deeplabV2Resnet50Float,
  deeplabV2Resnet75,
  deeplabV2Resnet75Float,
  deeplabV2ResnetFloat,
  deeplabV2ResnetMultiscale,
  deeplabV2ResnetMultiscaleFloat,
  deeplabV2Vgg,
  deeplabV2VggCrf,
  deeplabV2VggCrfFloat,
  deeplabV2VggFloat,
  dilatedContext,
  dilatedContextFloat,
  dilatedFrontend,
  dilatedFrontendFloat,
  enetStreet,
  enetStreetFloat,
  enetStreetNoise,
  enetStreetNoiseFloat,
  fcn8sResnet,
  fcn8sResnetFloat,
  fcn8sVgg,
  fcn8sVggFloat,
  icnet,
  icnetFloat,
  pspnetResnet,
  pspnetResnetFloat,
  segnetVgg,
  segnetVggFloat,
];
