// One step of APGD (Croce and Hein 2020), element by element, with P(v) = min(max(v, low), high):
//
//   z = P(x + η·sign g),   x ← P(x + 0.75·(z − x) + 0.25·(x − previous)),   previous ← the x before
//
// With FIRST the step is z itself. low and high are the bounds of the intersection of the ε-ball with the pixel range, computed by the
// projection in src/attacks. The sign is read from the bits, because a GPU may flush a subnormal gradient to 0: every number except ±0
// has one. That of NaN is 0: a loss that is not finite ends the attack.

alias float_bits = u32;

struct Parameters {
  count: u32,
  size: f32, // η, negative to descend
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> previous: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<float_bits>;
@group(0) @binding(3) var<storage, read> low: array<f32>;
@group(0) @binding(4) var<storage, read> high: array<f32>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

override FIRST: bool = false;

const MAGNITUDE = 0x7fffffffu;
const INFINITY_BITS = 0x7f800000u;

fn signed_size(g: u32) -> f32 {
  let magnitude = g & MAGNITUDE;
  if (magnitude == 0u || magnitude > INFINITY_BITS) {
    return 0.0;
  }
  return select(parameters.size, -parameters.size, g != magnitude);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) {
    let before = x[i];
    var next = min(max(before + signed_size(gradient[i]), low[i]), high[i]);
    if (!FIRST) {
      let mixed = before + 0.75 * (next - before) + 0.25 * (before - previous[i]);
      next = min(max(mixed, low[i]), high[i]);
    }
    previous[i] = before;
    x[i] = next;
  }
}
