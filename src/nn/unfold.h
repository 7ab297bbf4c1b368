/* unfold.h - a 3x3 convolution as a matrix product: gathers what its taps see, pixel by pixel, and adds it back. */
#ifndef CV_NN_UNFOLD_H
#define CV_NN_UNFOLD_H

/* Returns how many output pixels to unfold at once for columns of K numbers: few enough that the block stays in a
 * core's cache, unless it would become so small that packing the weights costs more than that saves. */
int cv_unfold_block(int K);

/* columns [channels * 9][count]: what each tap of a 3x3 kernel sees of x [channels][height][width] at output pixels
 * first .. first + count - 1; zeros outside the plane. Padding as in conv2d.h. */
void cv_unfold(float *columns, const float *x, int channels, int height, int width, int stride, int first, int count);
/* x += each of the columns where cv_unfold would have read it. Overwrites the columns. */
void cv_fold(float *x, float *columns, int channels, int height, int width, int stride, int first, int count);

#endif
