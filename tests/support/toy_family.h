/* toy_family.h - a family that stands under tests: what docs/adding-a-family.md tells, done. */
#ifndef TESTS_TOY_FAMILY_H
#define TESTS_TOY_FAMILY_H

#include "family/family.h"

extern const cv_family cv_family_toy;

#endif
