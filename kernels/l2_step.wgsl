// One step of an L2 attack: along the normalised gradient, then projected on the ball and clipped to the pixel range:
//
//   y = x + α·g / ‖g‖₂,   x ← clip(centre + (y − centre)·min(1, ε / ‖y − centre‖₂), low, high)
//
// ‖y − centre‖² = Σ d² + 2α·Σ d·g / ‖g‖ + α² with d = x − centre, so that the sums before the step (l2_sums.wgsl) suffice.
// A zero gradient leaves the image unchanged.

struct Parameters {
  count: u32,
  alpha: f32,
  epsilon: f32,
  low: f32,
  high: f32,
  partials: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<vec4f>; // at most 256
@group(0) @binding(4) var<uniform> parameters: Parameters;

const SCALE = 0x1p60f; // as in the sums
const DOT_SCALE = 0x1p40f;

alias Part = vec4f;

fn plus(a: Part, b: Part) -> Part {
  return a + b;
}

// include total.wgsl

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(num_workgroups) groups: vec3u,
) {
  var part = vec4f();
  if (lane < parameters.partials) {
    part = sums[lane];
  }
  let sum = total(lane, part);
  // ‖g‖·2⁶⁰ where all of g is small, ‖g‖ otherwise.
  let tiny = sum.y == 0.0;
  let norm = sqrt(select(sum.y + sum.x / SCALE / SCALE, sum.x, tiny));
  let scale = select(1.0, SCALE, tiny);
  let moves = norm > 0.0;
  let inverse = select(0.0, 1.0 / norm, moves);
  let alpha = select(0.0, parameters.alpha, moves);
  let along = sum.z * (scale / DOT_SCALE) * inverse; // Σ d·g / ‖g‖
  let distance = sqrt(max(sum.w + 2.0 * alpha * along + alpha * alpha, 0.0));
  let shrink = select(1.0, parameters.epsilon / distance, distance > parameters.epsilon);
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) {
    let c = centre[i];
    let d = (x[i] - c) + alpha * (gradient[i] * scale * inverse);
    x[i] = clamp(c + shrink * d, parameters.low, parameters.high);
  }
}
