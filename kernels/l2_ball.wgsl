// The nearest point of the L2 ball around the centre met with the range of pixels:
//
//   x ← clip(centre + t·(x − centre), low, high), with the largest t in 0..1 that ends within ε of the centre
//
// (by the conditions of Karush, Kuhn and Tucker, as in src/attacks/constraint.ts). Rounds of l2_ball_sums.wgsl and l2_ball_narrow.wgsl
// find t before. A layer of workgroups for each image.

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read> interval: array<vec4f>; // one element per image, whose third component is t
@group(0) @binding(3) var<storage, read> ball: array<vec4f>; // one element per image: ε, and the range of pixels
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = interval[thread.y].z;
  let range = ball[thread.y].yz;
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = thread.y * parameters.count + v;
    let c = centre[i];
    let moved = select(c + t * (x[i] - c), x[i], t >= 1.0);
    x[i] = clamp(moved, range.x, range.y);
  }
}
