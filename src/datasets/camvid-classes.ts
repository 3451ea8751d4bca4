/**
 * CamVid's 11 classes in the grouping of SegNet (Badrinarayanan et al. 2017), which is the one that is commonly scored, in
 * index order with their customary colours. The data set: Brostow, Fauqueur, Cipolla, "Semantic object classes in video",
 * PRL 30(2), 2009.
 */
export const camvidClasses = [
  { name: "sky", color: [128, 128, 128] },
  { name: "building", color: [128, 0, 0] },
  { name: "pole", color: [192, 192, 128] },
  { name: "road", color: [128, 64, 128] },
  { name: "pavement", color: [60, 40, 222] },
  { name: "tree", color: [128, 128, 0] },
  { name: "sign", color: [192, 128, 128] },
  { name: "fence", color: [64, 64, 128] },
  { name: "car", color: [64, 0, 128] },
  { name: "pedestrian", color: [64, 64, 0] },
  { name: "bicyclist", color: [0, 128, 192] },
] as const satisfies readonly { readonly name: string; readonly color: readonly [number, number, number] }[];
