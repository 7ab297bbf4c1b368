/* metrics_model.h - a model of metrics for tests: the published networks, made small, of seeded numbers. */
#ifndef TESTS_METRICS_MODEL_H
#define TESTS_METRICS_MODEL_H

/* Writes "TEMP/FOLDER" with I3D (10 classes), C3D (7), Inception (9) and CLIP (16x16 pixels, 77 ids); the seed makes
 * other weights. Aborts on failure. */
void metrics_model_write(const char *folder, int seed);

#endif
