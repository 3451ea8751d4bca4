// Scores of a confusion matrix (confusion.wgsl), so that only a few bytes are read back: TP / (TP + FP + FN) per class, its mean
// over the classes present in the reference, and the share of correct pixels. The value −1 stands for an undefined score: of a class
// that is absent from the reference, or of the mean and the share if no pixel is counted. A workgroup for each image, one thread per
// class.

struct Parameters {
  classes: u32, // at most 256
}

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> scores: array<u32>; // 4 + classes words per image
@group(0) @binding(2) var<uniform> parameters: Parameters;

// Sums over the classes: IoU, classes present, correct pixels, pixels.
var<workgroup> ratios: array<vec2f, 256>;
var<workgroup> sums: array<vec2u, 256>;

fn ratio(part: f32, whole: f32) -> f32 {
  return select(-1.0, part / whole, whole > 0.0);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) c: u32, @builtin(workgroup_id) group: vec3u) {
  let classes = parameters.classes;
  let width = classes + 1u;
  let matrix = group.y * (classes * width + 1u);
  let own = group.y * (4u + classes);
  if (c < classes) {
    var present = 0u;
    var predicted = 0u;
    for (var k = 0u; k < width; k++) {
      present += counts[matrix + c * width + k];
    }
    for (var r = 0u; r < classes; r++) {
      predicted += counts[matrix + r * width + c];
    }
    let right = counts[matrix + c * width + c];
    let iou = select(-1.0, f32(right) / f32(present + (predicted - right)), present > 0u);
    scores[own + 4u + c] = bitcast<u32>(iou);
    ratios[c] = select(vec2f(), vec2f(iou, 1.0), present > 0u);
    sums[c] = vec2u(right, present);
  }
  workgroupBarrier();
  if (c < 16u) {
    for (var i = c + 16u; i < 256u; i += 16u) {
      ratios[c] += ratios[i];
      sums[c] += sums[i];
    }
  }
  workgroupBarrier();
  if (c == 0u) {
    var iou = vec2f();
    var right = vec2u();
    for (var i = 0u; i < 16u; i++) {
      iou += ratios[i];
      right += sums[i];
    }
    scores[own] = bitcast<u32>(ratio(iou.x, iou.y));
    scores[own + 1u] = bitcast<u32>(ratio(f32(right.x), f32(right.y)));
    scores[own + 2u] = right.y;
    scores[own + 3u] = counts[matrix + classes * width]; // reference labels that are neither class nor void
  }
}
