/**
 * What Arnab, Miksik and Torr print in their Table 1: IoU ratio in percent on Pascal VOC at ε = 8. For each network on which it was scored, the
 * scales of DeepLab v2 (ResNet) on which the image was made, 50, 75, 100 % and all three, under FGSM and then under I-FGSM II.
 */
export const printed: Readonly<Record<string, readonly number[]>> = {
  "deeplab-v2-resnet-50": [37.3, 70.5, 84.8, 60.3, 18.0, 92.0, 96.9, 20.0],
  "deeplab-v2-resnet-75": [85.5, 39.7, 62.2, 50.8, 99.5, 17.9, 89.9, 20.4],
  "deeplab-v2-resnet": [93.6, 57.9, 37.7, 37.2, 100.0, 79.0, 15.5, 16.8],
  "deeplab-v2-resnet-multiscale": [83.7, 57.6, 62.3, 53.1, 99.6, 90.2, 91.9, 21.5],
  "deeplab-v2-vgg": [94.3, 70.6, 66.9, 66.5, 98.9, 88.4, 86.3, 80.9],
  "fcn8s-vgg": [94.7, 67.2, 65.8, 65.4, 98.4, 85.2, 84.9, 78.5],
  "fcn8s-resnet": [94.0, 66.3, 63.5, 63.1, 99.4, 82.6, 80.3, 74.1],
};
