// Labels at the image's size from logits at the network's stride: bilinear, half-pixel centres, as ONNX's Resize (linear,
// half_pixel), and the class with the largest logit at each pixel, of equal ones the first. Neither the upsampled logits nor wider
// labels are ever stored.
//
// Pixel y lies at row (2y + 1)·rows / (2·height) − ½ of the logits, clamped to the existing rows. The whole and the fractional part
// are computed on integers, so that the weights are exact to the last bit. A thread writes four neighbouring labels, one word.

alias bytes = u32; // four of them, the lowest first

struct Parameters {
  classes: u32,
  rows: u32,
  columns: u32,
  height: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [classes, rows, columns]
@group(0) @binding(1) var<storage, read_write> labels: array<bytes>; // [height, width]
@group(0) @binding(2) var<uniform> parameters: Parameters;

struct Place {
  before: u32,
  after: u32,
  weight: f32, // of `after`
}

fn placeOf(at: u32, size: u32, samples: u32) -> Place {
  let scaled = (2u * at + 1u) * samples;
  let shifted = max(scaled, size) - size;
  let before = min(shifted / (2u * size), samples - 1u);
  return Place(before, min(before + 1u, samples - 1u), f32(shifted % (2u * size)) / f32(2u * size));
}

fn labelOf(pixel: u32) -> u32 {
  let y = placeOf(pixel / parameters.width, parameters.height, parameters.rows);
  let x = placeOf(pixel % parameters.width, parameters.width, parameters.columns);
  let above = y.before * parameters.columns;
  let below = y.after * parameters.columns;
  let plane = parameters.rows * parameters.columns;
  var label = 0u;
  var largest = 0.0;
  for (var c = 0u; c < parameters.classes; c++) {
    let start = c * plane;
    let aboveLeft = logits[start + above + x.before];
    let belowLeft = logits[start + below + x.before];
    let top = aboveLeft + x.weight * (logits[start + above + x.after] - aboveLeft);
    let bottom = belowLeft + x.weight * (logits[start + below + x.after] - belowLeft);
    let v = top + y.weight * (bottom - top);
    if (c == 0u || v > largest) {
      label = c;
      largest = v;
    }
  }
  return label;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let pixels = parameters.height * parameters.width;
  for (var word = thread.x; word < (pixels + 3u) / 4u; word += 256u * groups.x) {
    var packed = 0u;
    for (var k = 0u; k < min(4u, pixels - 4u * word); k++) {
      packed |= labelOf(4u * word + k) << (8u * k);
    }
    labels[word] = packed;
  }
}
