/* optimizer.h - how weights move by their gradients: AdamW, and where the recipe wants it Muon for the matrices inside
 * blocks. */
#ifndef CV_TRAIN_OPTIMIZER_H
#define CV_TRAIN_OPTIMIZER_H

#include "nn/exec.h"
#include "tensor/store.h"
#include "train/recipe.h"

typedef struct cv_optimizer cv_optimizer;

/* For stores of weights and of their gradients, with the same tensors, in memory; they and the recipe must outlive it.
 * With "muon_rate" in the recipe, Muon moves the matrices that the part names; all else is AdamW's. */
cogvideo_status cv_optimizer_open(cv_optimizer **out, const cv_exec *exec, const cv_recipe *recipe,
                                  cv_store *const *weights, cv_store *const *gradients, int stores,
                                  cogvideo_error *err);
void cv_optimizer_close(cv_optimizer **optimizer);

/* What the next step depends on beside the weights, for a checkpoint: of store `store`, the averages of gradients and
 * of their squares (Muon has none of these: they stay 0). */
cv_store *cv_optimizer_first(const cv_optimizer *optimizer, int store);
cv_store *cv_optimizer_second(const cv_optimizer *optimizer, int store);
/* Bytes held beside weights and gradients. */
uint64_t cv_optimizer_bytes(const cv_optimizer *optimizer);

/* The norm of all gradients together; sums in a fixed order. */
double cv_optimizer_gradient_norm(const cv_optimizer *optimizer);
/* One update, `step` counted from 0; gradients are multiplied by `scale` first. No bit depends on the number of
 * threads. */
void cv_optimizer_step(const cv_optimizer *optimizer, int step, double scale);

#endif
