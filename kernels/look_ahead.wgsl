// The point that a step with momentum leads to (Nesterov; Lin et al. 2020): ahead ← x + scale·m, element by element. It is not projected. A
// layer of workgroups for each image.

struct Parameters {
  count: u32, // of one image
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> momentum: array<f32>;
@group(0) @binding(2) var<storage, read_write> ahead: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>; // one element per image
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var v = thread.x; v < parameters.count; v += 256u * groups.x) {
    let i = thread.y * parameters.count + v;
    ahead[i] = x[i] + scale[thread.y] * momentum[i];
  }
}
