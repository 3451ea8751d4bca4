// One step of APGD (Croce and Hein 2020), element by element, with P(v) = min(max(v, low), high):
//
//   z = P(x + η·sign g),   x ← P(x + 0.75·(z − x) + 0.25·(x − previous)),   previous ← the x before
//
// or z itself. There is a layer of workgroups for each image, and some images rest. low and high are the bounds of the intersection of
// the ε-ball with the pixel range, computed by the projection in src/attacks. The sign is read from the bits, because a GPU may flush a
// subnormal gradient to 0: every number except ±0 has one. That of NaN is 0: a loss that is not finite ends the attack.

alias float_bits = u32;

struct Parameters {
  count: u32, // of one image
}

struct Move {
  size: f32, // η, negative to descend
  kind: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> previous: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<float_bits>;
@group(0) @binding(3) var<storage, read> steepest: array<float_bits>;
@group(0) @binding(4) var<storage, read> low: array<f32>;
@group(0) @binding(5) var<storage, read> high: array<f32>;
@group(0) @binding(6) var<storage, read> moves: array<Move>; // one element per image
@group(0) @binding(7) var<uniform> parameters: Parameters;

// Kinds of moves, sums of these; 0 rests.
const STEP = 1u;
const FIRST = 2u; // the step is z itself
const BACK = 4u; // g is `steepest`, not `gradient`

const MAGNITUDE = 0x7fffffffu;
const INFINITY_BITS = 0x7f800000u;

fn signed_size(g: u32, size: f32) -> f32 {
  let magnitude = g & MAGNITUDE;
  if (magnitude == 0u || magnitude > INFINITY_BITS) {
    return 0.0;
  }
  return select(size, -size, g != magnitude);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let own = moves[thread.y];
  if (own.kind == 0u) {
    return;
  }
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = thread.y * parameters.count + v;
    let before = x[i];
    let g = select(gradient[i], steepest[i], (own.kind & BACK) != 0u);
    var next = min(max(before + signed_size(g, own.size), low[i]), high[i]);
    if ((own.kind & FIRST) == 0u) {
      let mixed = before + 0.75 * (next - before) + 0.25 * (before - previous[i]);
      next = min(max(mixed, low[i]), high[i]);
    }
    previous[i] = before;
    x[i] = next;
  }
}
