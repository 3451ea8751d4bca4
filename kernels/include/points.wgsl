// Eight values of one function, at points that divide an interval evenly: both ends, and six between.

struct Part {
  first: vec4f,
  last: vec4f,
}

fn plus(a: Part, b: Part) -> Part {
  return Part(a.first + b.first, a.last + b.last);
}

const FIRST = vec4f(0.0, 1.0, 2.0, 3.0) / 7.0;
const LAST = vec4f(4.0, 5.0, 6.0, 7.0) / 7.0;

fn points(start: f32, end: f32) -> Part {
  return Part(mix(vec4f(start), vec4f(end), FIRST), mix(vec4f(start), vec4f(end), LAST));
}
