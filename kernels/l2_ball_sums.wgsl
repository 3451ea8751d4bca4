// A round of the projection onto an L2 ball (l2_ball.wgsl), its sums: with d = x − centre,
//
//   f(t) = ‖clip(centre + t·d, low, high) − centre‖² / ε² = Σ min(t·|d|, room)² / ε²
//
// at eight points t of the interval, room being how far the range of pixels lets a value go. One partial sum per workgroup, at most
// 256 in each image's layer, which l2_ball_narrow.wgsl adds up.

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read> interval: array<vec4f>; // one element per image
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>; // two elements per workgroup
@group(0) @binding(4) var<storage, read> ball: array<vec4f>; // one element per image: ε, and the range of pixels
@group(0) @binding(5) var<uniform> parameters: Parameters;

// include points.wgsl
// include total.wgsl

fn squares(t: vec4f, d: f32, room: f32, epsilon: f32) -> vec4f {
  let moved = min(t * abs(d), vec4f(room)) / epsilon;
  return moved * moved;
}

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let own = ball[group.y];
  let t = points(interval[group.y].x, interval[group.y].y);
  var sum = Part();
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = group.y * parameters.count + v;
    let c = centre[i];
    let d = x[i] - c;
    let room = max(select(c - own.y, own.z - c, d > 0.0), 0.0);
    sum = plus(sum, Part(squares(t.first, d, room, own.x), squares(t.last, d, room, own.x)));
  }
  sum = total(lane, sum);
  if (lane == 0u) {
    let place = 2u * (group.y * groups.x + group.x);
    sums[place] = sum.first;
    sums[place + 1u] = sum.last;
  }
}
