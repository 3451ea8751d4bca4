/** Class indices by the name of the class (see `camvidClasses`). */

/**
 * As in CamVid, walls are labelled as building, grass and hedges as tree, traffic lights and lettering as sign, vans and
 * buses as car. `none` is void, which every score ignores.
 */
export const label = {
  sky: 0,
  building: 1,
  pole: 2,
  road: 3,
  pavement: 4,
  tree: 5,
  sign: 6,
  fence: 7,
  car: 8,
  pedestrian: 9,
  bicyclist: 10,
  none: 255,
} as const;
