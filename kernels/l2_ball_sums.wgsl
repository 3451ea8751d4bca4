// A round of the projection onto an L2 ball (l2_ball.wgsl), its sums: with d = x − centre,
//
//   f(t) = ‖clip(centre + t·d, low, high) − centre‖² / ε² = Σ min(t·|d|, room)² / ε²
//
// at eight points t of the interval, room being how far the range of pixels lets a value go. One partial sum per workgroup, at most
// 256, which l2_ball_narrow.wgsl adds up.

struct Parameters {
  count: u32,
  epsilon: f32,
  low: f32,
  high: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read> interval: array<vec4f>; // one element
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>; // two elements per workgroup
@group(0) @binding(4) var<uniform> parameters: Parameters;

// include points.wgsl
// include total.wgsl

fn squares(t: vec4f, d: f32, room: f32) -> vec4f {
  let moved = min(t * abs(d), vec4f(room)) / parameters.epsilon;
  return moved * moved;
}

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let t = points(interval[0].x, interval[0].y);
  var sum = Part();
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) {
    let c = centre[i];
    let d = x[i] - c;
    let room = max(select(c - parameters.low, parameters.high - c, d > 0.0), 0.0);
    sum = plus(sum, Part(squares(t.first, d, room), squares(t.last, d, room)));
  }
  sum = total(lane, sum);
  if (lane == 0u) {
    sums[2u * group.x] = sum.first;
    sums[2u * group.x + 1u] = sum.last;
  }
}
