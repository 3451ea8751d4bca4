// The sums over the image that ‖g‖₂ takes: one partial sum per workgroup, at most 256 in each image's layer, which
// l2_step.wgsl adds up:
//
//   x: Σ (2⁶⁰·g)² over |g| < 2⁻⁴⁰    y: Σ g² over the others
//
// A saturated network has gradients whose squares underflow in float32. Two scaled ranges (Blue 1978) avoid this for |g| from 10⁻³⁴ to
// 10¹⁵.

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

const SMALL = 0x1p-40f;
const SCALE = 0x1p60f;

alias Part = vec2f;

fn plus(a: Part, b: Part) -> Part {
  return a + b;
}

// include total.wgsl

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  var sum = vec2f();
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) {
    let g = gradient[group.y * parameters.count + i];
    let isSmall = abs(g) < SMALL;
    let small = select(0.0, g * SCALE, isSmall);
    let large = select(g, 0.0, isSmall);
    sum += vec2f(small * small, large * large);
  }
  sum = total(lane, sum);
  if (lane == 0u) {
    sums[group.y * groups.x + group.x] = sum;
  }
}
