/* gradients.h - gradients of a training step against a golden's. */
#ifndef TESTS_GRADIENTS_H
#define TESTS_GRADIENTS_H

#include "tensor/store.h"

/* Checks the norms of all gradients that the golden names, and those whole that it holds: "grad.NAME", or of every
 * so-manieth row "grad.NAME::97". `stores` have the gradients under the names of their parameters; `prefix` stands
 * before all names of the golden, such as "" or "upscaler.". Returns how many norms there were. */
int gradients_check(const cv_store *const *stores, int count, const cv_store *golden, const char *prefix);

#endif
