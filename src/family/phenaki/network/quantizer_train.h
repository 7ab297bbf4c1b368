/* quantizer_train.h - the quantizers' own losses, and the way back through them; private to the training of C-ViViT. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_QUANTIZER_TRAIN_H
#define CV_FAMILY_PHENAKI_NETWORK_QUANTIZER_TRAIN_H

#include "family/phenaki/network/cvivit_network.h"

/* What a codebook averages: y / |y| of cosine, y of lfq. */
void cv_quantizer_compared(const cv_cvivit_config *config, float *out, const float *y);

/* Bytes that the losses of lfq take. */
size_t cv_lfq_losses_scratch(const cv_exec *exec, const cv_cvivit_config *config);
/* The auxiliary loss over y [rows][code_width] and the vectors of its codes. Sets dy to its gradient: of lfq that of
 * y, of cosine that of y / |y|, and zero where a row is not true, which lfq does not look at. */
double cv_quantizer_losses(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_learning *options,
                           const float *y, const float *vectors, const bool *true_rows, size_t rows, float *dy,
                           cv_arena *arena);
/* dy, as it was set, becomes the gradient of y of both losses, with `through` [rows][code_width], that of the
 * vectors: it passes to what was compared as if that were what the decoder got. */
void cv_quantizer_backward(const cv_cvivit_config *config, float *dy, const float *through, const float *y,
                           size_t rows);

#endif
