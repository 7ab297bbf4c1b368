/* toy_networks.h - a family of networks for metrics whose features anybody can compute: means of colours. Its
 * model.json needs "weights" (64 digits, as if they were the SHA-256 of a file) and may have "shapes": 1. */
#ifndef TESTS_TOY_NETWORKS_H
#define TESTS_TOY_NETWORKS_H

#include "family/family.h"

#define TOY_WIDTH 4 /* of the features of clips: mean red, green and blue, and how much frames differ */

extern const cv_family cv_family_toy_networks;
/* Items that the networks have computed so far. */
extern int toy_networks_computed;

#endif
