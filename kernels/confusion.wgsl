// Confusion matrix of two label maps: adds to counts[r·(classes + 1) + p] the pixels of reference class r predicted as p.
// Pixels that are void (255) in the reference are not counted; a prediction that is not a class is counted in the last column. The
// word after the matrix is the number of reference labels that are neither class nor void, which the caller must report as an error.
//
// Each workgroup counts in workgroup memory and adds its counts to the result once. The memory holds BINS counts, at most 4096;
// matrices of more classes are counted in bands of rows: workgroups with the same y read all pixels of one image and count the rows
// y·rows … y·rows + rows − 1, y modulo the number of bands. Because neighbouring labels are mostly equal, a thread reads 16 neighbours
// and adds once per run. The images lie byte after byte, so that one may begin within a word.

alias bytes = u32; // four of them, the lowest first

struct Parameters {
  pixels: u32, // of one image
  classes: u32,
  rows: u32,
  bands: u32,
}

@group(0) @binding(0) var<storage, read> prediction: array<bytes>;
@group(0) @binding(1) var<storage, read> reference: array<bytes>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

const VOID = 255u;
const NONE = 0xffffffffu;
const WORDS = 4u; // words that a thread reads at a time

override BINS: u32 = 4096; // rows·(classes + 1); unused bins are not cleared

var<workgroup> bins: array<atomic<u32>, BINS>;

// The index of the workgroup's bin in which a pixel is counted.
fn binOf(p: u32, r: u32, first: u32, matrix: u32) -> u32 {
  if (r == VOID) {
    return NONE;
  }
  let classes = parameters.classes;
  if (r >= classes) {
    if (first == 0u) {
      atomicAdd(&counts[matrix + classes * (classes + 1u)], 1u);
    }
    return NONE;
  }
  let inside = r >= first && r < first + parameters.rows;
  return select(NONE, (r - first) * (classes + 1u) + min(p, classes), inside);
}

fn add(bin: u32, run: u32) {
  if (bin != NONE) {
    atomicAdd(&bins[bin], run);
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) thread: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let image = group.y / parameters.bands;
  let first = (group.y % parameters.bands) * parameters.rows;
  let width = parameters.classes + 1u;
  let matrix = image * (parameters.classes * width + 1u);
  let begin = image * parameters.pixels; // in bytes
  let end = begin + parameters.pixels;
  let words = (end + 3u) / 4u;
  for (var start = begin / 4u + thread.x * WORDS; start < words; start += 256u * groups.x * WORDS) {
    var bin = NONE;
    var run = 0u;
    for (var w = start; w < min(start + WORDS, words); w++) {
      let place = max(begin, 4u * w);
      var p = prediction[w] >> (8u * (place - 4u * w));
      var r = reference[w] >> (8u * (place - 4u * w));
      for (var left = min(end, 4u * w + 4u) - place; left > 0u; left--) {
        let next = binOf(p & 255u, r & 255u, first, matrix);
        if (next != bin) {
          add(bin, run);
          bin = next;
          run = 0u;
        }
        run += 1u;
        p >>= 8u;
        r >>= 8u;
      }
    }
    add(bin, run);
  }
  workgroupBarrier();
  let size = min(parameters.rows, parameters.classes - first) * width;
  for (var b = lane; b < size; b += 256u) {
    let n = atomicLoad(&bins[b]);
    if (n > 0u) {
      atomicAdd(&counts[matrix + first * width + b], n);
    }
  }
}
