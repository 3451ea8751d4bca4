// Distances between two images, or in each layer of workgroups between two of several: L∞, the sum of squares, and the numbers of values and of pixels that differ. There is one partial
// result per workgroup; the host combines them. Values are compared by their bits, because the difference of two subnormals may be
// flushed to 0.

alias float_bits = u32;

struct Parameters {
  pixels: u32, // of one image
  channels: u32,
}

struct Stats {
  linf: f32,
  squares: f32,
  values: u32,
  pixels: u32,
}

@group(0) @binding(0) var<storage, read> a: array<float_bits>; // [images, channels, pixels]
@group(0) @binding(1) var<storage, read> b: array<float_bits>;
@group(0) @binding(2) var<storage, read_write> partials: array<Stats>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

alias Part = Stats;

fn plus(a: Stats, b: Stats) -> Stats {
  return Stats(max(a.linf, b.linf), a.squares + b.squares, a.values + b.values, a.pixels + b.pixels);
}

// include total.wgsl

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let first = group.y * parameters.channels * parameters.pixels;
  var stats = Stats();
  for (var pixel = thread.x; pixel < parameters.pixels; pixel += 256u * groups.x) {
    var changed = 0u;
    for (var c = 0u; c < parameters.channels; c++) {
      let p = a[first + c * parameters.pixels + pixel];
      let q = b[first + c * parameters.pixels + pixel];
      if (p == q || ((p | q) & 0x7fffffffu) == 0u) { // equal, or 0 and −0
        continue;
      }
      let d = abs(bitcast<f32>(p) - bitcast<f32>(q));
      stats = plus(stats, Stats(d, d * d, 1u, 0u));
      changed = 1u;
    }
    stats.pixels += changed;
  }
  stats = total(lane, stats);
  if (lane == 0u) {
    partials[group.y * groups.x + group.x] = stats;
  }
}
