/* cogvideo.h - text-to-video on a CPU: all public headers.
 *
 * A complete program (cc clip.c $(pkg-config --cflags --libs cogvideo)):
 *
 *     #include <cogvideo/cogvideo.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         cogvideo_generate_options options;
 *         cogvideo_model *model = NULL;
 *         cogvideo_value key = { 0 }, clip = { 0 }, video = { 0 };
 *         cogvideo_error err;
 *
 *         if (cogvideo_model_open(&model, "weights/cogvideo", NULL, &err))
 *             return fprintf(stderr, "%s\n", err.message), 1;
 *         cogvideo_generate_defaults(model, &options);
 *         options.prompt = "一个红色的圆形向左移动";
 *         if (cogvideo_run_step(model, "keyframes", &options, NULL, &key, &err) ||
 *             cogvideo_run_step(model, "interpolate", &options, &key, &clip, &err) ||
 *             cogvideo_run_step(model, "decode", &options, &clip, &video, &err) ||
 *             cogvideo_video_write(&video.pixels, "clip.y4m", NULL, &err))
 *             fprintf(stderr, "%s\n", err.message);
 *         cogvideo_value_free(&video);
 *         cogvideo_value_free(&clip);
 *         cogvideo_value_free(&key);
 *         cogvideo_model_close(&model);
 *         return 0;
 *     } */
#ifndef COGVIDEO_COGVIDEO_H
#define COGVIDEO_COGVIDEO_H

#include <cogvideo/bench.h>
#include <cogvideo/common.h>
#include <cogvideo/dataset.h>
#include <cogvideo/evaluate.h>
#include <cogvideo/generate.h>
#include <cogvideo/import.h>
#include <cogvideo/inspect.h>
#include <cogvideo/model.h>
#include <cogvideo/pipeline.h>
#include <cogvideo/quantize.h>
#include <cogvideo/sampling.h>
#include <cogvideo/tokens.h>
#include <cogvideo/train.h>
#include <cogvideo/value.h>
#include <cogvideo/version.h>
#include <cogvideo/video.h>

#endif
