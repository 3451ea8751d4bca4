// Where a backward pass starts: ∂/∂logits of Σ weight·CE(softmax(logits), label),
//
//   gradient = weight·(softmax − onehot),   0 where the label is void
//
// Void is 255, and any other label that is no class. The sum of the exponentials is made in one reading of the logits,
// rescaled as the maximum grows (Milakov and Gimelshein 2018). A thread a pixel.

alias bytes = u32; // four of them, the lowest first

struct Parameters {
  pixels: u32, // of all images
  area: u32, // pixels of one image
  classes: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [images, classes, area]
@group(0) @binding(1) var<storage, read> labels: array<bytes>; // [images, area]
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [images, area]
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>; // as logits
@group(0) @binding(4) var<uniform> parameters: Parameters;

const VOID = 255u;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let area = parameters.area;
  let classes = parameters.classes;
  for (var pixel = thread.x; pixel < parameters.pixels; pixel += 256u * groups.x) {
    let start = (pixel / area) * classes * area + pixel % area;
    let label = (labels[pixel / 4u] >> (8u * (pixel % 4u))) & 255u;
    if (label == VOID || label >= classes) {
      for (var c = 0u; c < classes; c++) {
        gradient[start + c * area] = 0.0;
      }
      continue;
    }
    var largest = logits[start];
    var sum = 1.0;
    for (var c = 1u; c < classes; c++) {
      let v = logits[start + c * area];
      if (v > largest) {
        sum = sum * exp(largest - v) + 1.0;
        largest = v;
      } else {
        sum += exp(v - largest);
      }
    }
    let weight = weights[pixel];
    for (var c = 0u; c < classes; c++) {
      let p = exp(logits[start + c * area] - largest) / sum;
      gradient[start + c * area] = weight * (p - select(0.0, 1.0, c == label));
    }
  }
}
