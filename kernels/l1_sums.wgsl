// Σ |g|, as one partial sum per workgroup; a layer of workgroups for each image. A second launch with one workgroup in each layer adds
// the partial sums up to ‖g‖₁.

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

alias Part = f32;

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
  var sum = 0.0;
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) {
    sum += abs(gradient[group.y * parameters.count + i]);
  }
  sum = total(lane, sum);
  if (lane == 0u) {
    sums[group.y * groups.x + group.x] = sum;
  }
}
