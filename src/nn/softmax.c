#include "nn/softmax.h"

#include "nn/fast_math.h"

#define LANES 4

void cv_softmax(float *scores, int count)
{
    double sum[LANES] = { 0 };
    float best = scores[0], scale;
    int i = 0;

    for (int k = 1; k < count; k++)
        best = scores[k] > best ? scores[k] : best;
    for (int k = 0; k < count; k++)
        scores[k] = cv_fast_exp(scores[k] - best);
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)scores[i + j];
    for (; i < count; i++)
        sum[0] += (double)scores[i];
    scale = (float)(1.0 / ((sum[0] + sum[2]) + (sum[1] + sum[3])));
    for (int k = 0; k < count; k++)
        scores[k] *= scale;
}
