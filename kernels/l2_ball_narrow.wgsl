// A round of the projection onto an L2 ball (l2_ball.wgsl), its choice: the seventh of the interval in which f passes 1, or its end
// where f does not. f is linear in t² wherever no further value meets the range of pixels, so that the chord of a short enough interval
// gives t itself. A workgroup for each image, whose interval stays as it is once its rounds are over.

struct Parameters {
  partials: u32, // of one image
}

@group(0) @binding(0) var<storage, read> sums: array<vec4f>; // l2_ball_sums.wgsl; two elements per partial sum
@group(0) @binding(1) var<storage, read_write> interval: array<vec4f>; // one element per image: both ends, t, and the rounds that are left
@group(0) @binding(2) var<uniform> parameters: Parameters;

// include points.wgsl
// include total.wgsl

fn listed(v: Part) -> array<f32, 8> {
  return array(v.first.x, v.first.y, v.first.z, v.first.w, v.last.x, v.last.y, v.last.z, v.last.w);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var part = Part();
  if (lane < parameters.partials) {
    let place = 2u * (group.y * parameters.partials + lane);
    part = Part(sums[place], sums[place + 1u]);
  }
  var f = listed(total(lane, part));
  let whole = interval[group.y];
  if (lane != 0u || whole.w == 0.0) {
    return;
  }
  let left = whole.w - 1.0;
  var t = listed(points(whole.x, whole.y));
  var i = 1u; // the first point outside of the ball, the interval's start apart
  while (i < 8u && f[i] <= 1.0) {
    i++;
  }
  if (i == 8u) {
    interval[group.y] = vec4f(whole.yyy, left);
    return;
  }
  let start = t[i - 1u];
  let end = t[i];
  let share = clamp((1.0 - f[i - 1u]) / (f[i] - f[i - 1u]), 0.0, 1.0);
  interval[group.y] = vec4f(start, end, clamp(sqrt(mix(start * start, end * end, share)), start, end), left);
}
