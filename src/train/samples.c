/* samples.c - a sheet of what a part can do so far, made as anyone would make it: by the model directory's files. */
#include "train/learner.h"

#include <cogvideo/video.h>

#define ROW_FRAMES 8 /* in a row of the sheet, at least, where samples have few */

static cogvideo_status add_sample(cv_learner *learner, const cogvideo_model *newest, const char *path, int index,
                                  cogvideo_video_writer **writer, cogvideo_error *err)
{
    cogvideo_video sample = { 0 };
    cogvideo_status status;

    CV_TRY(learner->functions->sample(learner, newest, index, &sample, err));
    if (!sample.pixels)
        goto done;
    if (!*writer) {
        int columns = sample.frames < ROW_FRAMES ? ROW_FRAMES / sample.frames * sample.frames : sample.frames;
        cogvideo_write_options options = { .columns = columns };

        CV_TRY(cogvideo_video_writer_open(writer, path, sample.width, sample.height, 0, &options, err));
    }
    for (int f = 0; f < sample.frames; f++)
        CV_TRY(cogvideo_video_writer_frame(*writer,
                                           sample.pixels + (size_t)f * (size_t)sample.width * (size_t)sample.height * 3,
                                           err));
done:
    cogvideo_video_free(&sample);
    return status;
}

cogvideo_status cv_samples_write(cv_learner *learner, int step, cogvideo_error *err)
{
    const cogvideo_train_options *options = learner->options;
    cogvideo_model_options how = { .threads = options->threads, .log = options->log };
    cogvideo_video_writer *writer = NULL;
    cogvideo_model *newest = NULL;
    cv_buffer path = { 0 };
    cogvideo_status status;

    if (!learner->functions->sample)
        return COGVIDEO_OK;
    CV_TRY(cv_model_open(&newest, options->model, &how, err));
    CV_TRY(cv_buffer_printf(&path, err, "%s/samples-%06d.jpg", options->output, step));
    for (int i = 0; i < learner->recipe->samples; i++)
        CV_TRY(add_sample(learner, newest, path.data, i, &writer, err));
    if (writer)
        CV_TRY(cogvideo_video_writer_commit(&writer, err));
done:
    cogvideo_video_writer_abandon(&writer);
    cv_buffer_free(&path);
    cv_model_close(&newest);
    return status;
}
