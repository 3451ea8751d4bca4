// One step of a sign attack: x ← min(max(x + α·sign g, low), high), element by element; a layer of workgroups for each image.
//
// low and high are the bounds of the intersection of the ε-ball with the pixel range, computed by the projection in src/attacks, so
// that the step equals that of src/attacks bit for bit. With MOMENTUM (Dong et al. 2018) the sign is that of the momentum
// m ← μ·m + g / ‖g‖₁, and norm holds ‖g‖₁ (l1_sums.wgsl). A gradient whose norm is less than the least normal float32, zeros
// among them, adds nothing: 1 / ‖g‖₁ would overflow.
//
// Numbers are read as bits, because a GPU may flush a subnormal gradient to 0 and assume that there is no NaN. Here every number
// except ±0 has its sign, and NaN stays NaN.

alias float_bits = u32;

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read_write> x: array<float_bits>;
@group(0) @binding(1) var<storage, read> gradient: array<float_bits>;
@group(0) @binding(2) var<storage, read> low: array<f32>;
@group(0) @binding(3) var<storage, read> high: array<f32>;
@group(0) @binding(4) var<storage, read_write> momentum: array<f32>; // one element without MOMENTUM
@group(0) @binding(5) var<storage, read> norm: array<f32>; // one element per image
@group(0) @binding(6) var<storage, read> pace: array<vec2f>; // one element per image: α, and μ
@group(0) @binding(7) var<uniform> parameters: Parameters;

override MOMENTUM: bool = false;

const MAGNITUDE = 0x7fffffffu;
const INFINITY_BITS = 0x7f800000u;
const LEAST_NORMAL = 0x1p-126f;

fn stepped(i: u32, direction: u32, size: f32) -> u32 {
  let before = x[i];
  if ((before & MAGNITUDE) > INFINITY_BITS) {
    return before;
  }
  let magnitude = direction & MAGNITUDE;
  if (magnitude > INFINITY_BITS) {
    return direction;
  }
  var v = bitcast<f32>(before);
  if (magnitude != 0u) {
    v += select(size, -size, direction != magnitude);
  }
  return bitcast<u32>(min(max(v, low[i]), high[i]));
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let image = thread.y;
  let own = pace[image];
  let gain = select(0.0, 1.0 / norm[image], norm[image] >= LEAST_NORMAL);
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = image * parameters.count + v;
    var direction = gradient[i];
    if (MOMENTUM) {
      momentum[i] = own.y * momentum[i] + gain * bitcast<f32>(direction);
      direction = bitcast<u32>(momentum[i]);
    }
    x[i] = stepped(i, direction, own.x);
  }
}
