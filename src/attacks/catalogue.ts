/** The attacks by name. */

export type AttackName = "fgsm" | "fgsm-ii" | "ifgsm" | "ifgsm-ii" | "pgd";
