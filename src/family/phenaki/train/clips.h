/* clips.h - clips of a dataset as a tokenizer sees them. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_CLIPS_H
#define CV_FAMILY_PHENAKI_TRAIN_CLIPS_H

#include "base/mem.h"

#include <cogvideo/dataset.h>

#define CV_CLIP_DATASETS 8

/* Datasets of frames of one size. */
typedef struct cv_clips {
    cogvideo_dataset *data[CV_CLIP_DATASETS];
    cogvideo_dataset_info info[CV_CLIP_DATASETS];
    int count;
} cv_clips;

/* Opens datasets whose frames have `height` x `width` pixels and whose clips have `frames` of them at least; an error
 * names the first that has not. _close is for errors, too. */
cogvideo_status cv_clips_open(cv_clips *out, const char *const *folders, int count, int height, int width, int frames,
                              cogvideo_error *err);
void cv_clips_close(cv_clips *clips);

/* pixels [3][frames][side][side] in 0..1 of `frames` frames of a clip from frame `first` on, all of which are there. */
void cv_clip_pixels(const cogvideo_dataset_clip *clip, int side, int first, int frames, float *pixels);

/* The same of clip `clip` of dataset `data`. */
void cv_clips_pixels(const cv_clips *clips, int data, int clip, int first, int frames, float *pixels);

/* The same of frames and a clip that `bits` draw, of dataset `data`. */
void cv_clips_draw(const cv_clips *clips, int data, const uint32_t bits[4], int frames, float *pixels);

#endif
