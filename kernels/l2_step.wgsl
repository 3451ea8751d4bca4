// A step along the normalised gradient: x ← x + α·g / ‖g‖₂. A zero gradient leaves the image unchanged. The projection that follows is
// l2_ball.wgsl. A layer of workgroups for each image.

struct Parameters {
  count: u32, // of one image
  partials: u32, // of one image
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> sums: array<vec2f>; // l2_sums.wgsl; at most 256 per image
@group(0) @binding(3) var<storage, read> alpha: array<f32>; // one element per image
@group(0) @binding(4) var<uniform> parameters: Parameters;

const SCALE = 0x1p60f; // as in the sums

alias Part = vec2f;

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
  var part = vec2f();
  if (lane < parameters.partials) {
    part = sums[thread.y * parameters.partials + lane];
  }
  let sum = total(lane, part);
  // ‖g‖·2⁶⁰ where all of g is small, ‖g‖ otherwise.
  let tiny = sum.y == 0.0;
  let norm = sqrt(select(sum.y + sum.x / SCALE / SCALE, sum.x, tiny));
  let scale = select(1.0, SCALE, tiny);
  let inverse = select(0.0, 1.0 / norm, norm > 0.0);
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = thread.y * parameters.count + v;
    x[i] += alpha[thread.y] * (gradient[i] * scale * inverse);
  }
}
