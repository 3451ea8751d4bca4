/**
 * CamVid's 32 labels in the order of its label_colors.txt, with their colours and with the class of the 11 that each belongs to in the
 * grouping of SegNet (Badrinarayanan et al. 2017); null is void.
 */

type Label = readonly [name: string, color: readonly [number, number, number], group: number | null];

export const camvid32Labels: readonly Label[] = [
  ["Animal", [64, 128, 64], 9],
  ["Archway", [192, 0, 128], 1],
  ["Bicyclist", [0, 128, 192], 10],
  ["Bridge", [0, 128, 64], 1],
  ["Building", [128, 0, 0], 1],
  ["Car", [64, 0, 128], 8],
  ["CartLuggagePram", [64, 0, 192], 9],
  ["Child", [192, 128, 64], 9],
  ["Column_Pole", [192, 192, 128], 2],
  ["Fence", [64, 64, 128], 7],
  ["LaneMkgsDriv", [128, 0, 192], 3],
  ["LaneMkgsNonDriv", [192, 0, 64], 3],
  ["Misc_Text", [128, 128, 64], 6],
  ["MotorcycleScooter", [192, 0, 192], 10],
  ["OtherMoving", [128, 64, 64], 8],
  ["ParkingBlock", [64, 192, 128], 4],
  ["Pedestrian", [64, 64, 0], 9],
  ["Road", [128, 64, 128], 3],
  ["RoadShoulder", [128, 128, 192], 4],
  ["Sidewalk", [0, 0, 192], 4],
  ["SignSymbol", [192, 128, 128], 6],
  ["Sky", [128, 128, 128], 0],
  ["SUVPickupTruck", [64, 128, 192], 8],
  ["TrafficCone", [0, 0, 64], 2],
  ["TrafficLight", [0, 64, 64], 6],
  ["Train", [192, 64, 128], 8],
  ["Tree", [128, 128, 0], 5],
  ["Truck_Bus", [192, 128, 192], 8],
  ["Tunnel", [64, 0, 64], 1],
  ["VegetationMisc", [192, 192, 0], 5],
  ["Void", [0, 0, 0], null],
  ["Wall", [64, 192, 0], 1],
];
