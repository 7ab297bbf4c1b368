/* settings.h - what the codes of a run follow from, as a JSON object: runs of equal settings draw equal codes. The
 * journal of an unfinished run and the record of a finished clip hold it, and a run that goes on compares both in one
 * way.
 *
 * What only changes how long a run takes (threads, batch, samples side by side that are all kept) is not in it.
 * Weights are told apart by name, size and time of change, as make and rsync do it: reading the gigabytes of a model
 * for a checksum would take minutes before every run. Copies that keep their times (cp -p, rsync -a) are the same
 * weights. */
#ifndef CV_PIPELINE_SETTINGS_H
#define CV_PIPELINE_SETTINGS_H

#include "pipeline/chain.h"

typedef struct cv_settings {
    const char *made_by; /* "generate", or the step's name */
    const cogvideo_model *model;
    const cogvideo_generate_options *options;
    const cogvideo_value *input; /* that the run begins with, or NULL */
    const cv_chain *chain;
    const cogvideo_run_options *run; /* which samples are kept */
    int samples;                     /* of the whole run */
} cv_settings;

/* The settings of one of the run's samples, counted as first_sample is, added to an object; without the memory for it
 * its printing fails. */
void cv_settings_put(cv_json *object, const cv_settings *settings, int sample);

/* Adds the members of a shape, as a token stream has them. */
void cv_shape_put(cv_json *object, const cogvideo_shape *shape);

/* Whether `was`, whose other members do not count, has all members of `asked` with the same values; one that is null
 * may be missing. Otherwise `difference` is the first that differs: "seed":3 and not "seed":4. It is empty where there
 * is none. */
cogvideo_status cv_settings_compare(const cv_json *was, const cv_json *asked, cv_buffer *difference,
                                    cogvideo_error *err);

/* cv_hash32_bytes of all codes of a clip. */
uint32_t cv_codes_checksum(const cogvideo_tokens *clip);

#endif
