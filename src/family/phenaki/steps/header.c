/* header.c - how a clip was made, for its header; and what a run uses where nobody says otherwise. */
#include "family/phenaki/steps/steps.h"
#include "sample/fields.h"

#include <string.h>

static void put_scenes(cv_json *header, const cogvideo_generate_options *options)
{
    cv_json *scenes = cv_json_set_array(header, "scenes");

    for (int i = 0; i < (options->scene_count > 0 ? options->scene_count : 1); i++) {
        const char *prompt = options->scene_count > 0 ? options->scenes[i].prompt : options->prompt;

        cv_json_set_string(cv_json_add_object(scenes), "prompt", prompt ? prompt : "");
    }
}

cogvideo_status cv_phenaki_header(const cv_phenaki *model, const cogvideo_generate_options *options, int sample,
                                  cogvideo_tokens *clip, cogvideo_error *err)
{
    cv_json *header = cv_json_new_object(), *step;
    char *text;

    cv_json_set_string(header, "model", model->head.name);
    if (options) {
        cv_json_set_string(header, "prompt",
                           options->scene_count > 0 ? options->scenes[0].prompt
                           : options->prompt        ? options->prompt
                                                    : "");
        put_scenes(header, options);
        cv_json_set_int(header, "seed", (int64_t)options->seed);
        step = cv_json_set_object(header, "sampling");
        cv_json_set_double(step, "guidance", options->steps[0].guidance);
        cv_json_set_int(step, "context", options->context);
        cv_sampling_put(step, &options->steps[0].sampling, options->steps[0].ways);
        cv_json_set_int(header, "sample", sample);
    }
    text = cv_json_print(header, false, err);
    cv_json_free(&header);
    if (!text)
        return COGVIDEO_ERROR_MEMORY;
    cv_free(clip->header);
    clip->header = text;
    return COGVIDEO_OK;
}
