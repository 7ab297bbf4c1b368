/* muon.h - momentum made orthogonal, for the matrices inside a network (Jordan et al., "Muon: an optimizer for hidden
 * layers in neural networks", 2024). What a step changes is the same in all directions of the matrix, also in those
 * that a gradient hardly shows. */
#ifndef CV_TRAIN_MUON_H
#define CV_TRAIN_MUON_H

#include <stddef.h>

typedef struct cv_muon {
    double rate, momentum, weight_decay;
} cv_muon;

/* Numbers of scratch for a matrix of rows x columns. */
size_t cv_muon_scratch(int rows, int columns);

/* x [rows, columns] becomes nearly U V^T of its singular value decomposition U S V^T, by five steps of Newton and
 * Schulz: the singular values are then between 0.7 and 1.2 or so. Zeros stay zeros. On the calling thread. */
void cv_muon_orthogonalise(float *x, int rows, int columns, float *scratch);

/* One update of weights w [rows, columns]: the average m of the gradients g * scale moves on, and w by what Nesterov's
 * momentum gives, made orthogonal, times rate * sqrt(max(1, rows / columns)); the weights decay by rate *
 * weight_decay. */
void cv_muon_update(const cv_muon *options, double scale, float *w, const float *g, float *m, int rows, int columns,
                    float *scratch);

#endif
