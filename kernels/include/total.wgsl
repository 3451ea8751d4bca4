// The sum over a workgroup of 256 threads of one part per thread, returned to every thread. The kernel declares
//
//   alias Part = …;                       of which Part() is the neutral element
//   fn plus(a: Part, b: Part) -> Part
//
// Two rounds of 16 additions take two barriers; a binary tree would take eight.

var<workgroup> parts: array<Part, 256>;

fn total(lane: u32, part: Part) -> Part {
  parts[lane] = part;
  workgroupBarrier();
  if (lane < 16u) {
    var sum = Part();
    for (var i = lane; i < 256u; i += 16u) {
      sum = plus(sum, parts[i]);
    }
    parts[lane] = sum;
  }
  workgroupBarrier();
  var sum = Part();
  for (var i = 0u; i < 16u; i++) {
    sum = plus(sum, parts[i]);
  }
  return sum;
}
