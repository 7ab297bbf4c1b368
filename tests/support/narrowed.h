/* narrowed.h - files of weights in any type, as an import would write them. */
#ifndef TESTS_NARROWED_H
#define TESTS_NARROWED_H

#include "tensor/store.h"

/* Writes the tensors of a store in memory to a file. Aborts the test on failure. */
void narrowed_write(const cv_store *store, cv_weight_type type, const char *path);

/* Fills a store in memory with what a file of these tensors means, which it claims. */
void narrowed_widen(cv_store *to, cv_store *file);

#endif
