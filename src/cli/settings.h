/* settings.h - what the codes of a run follow from, as a JSON object: runs of equal settings draw equal codes. The journal of an unfinished
 * run and the record of a finished clip hold it, and --resume compares both in one way.
 *
 * What only changes how long a run takes (threads, batch, samples side by side) is not in it. Weights are told apart by name, size and time of
 * change, as make and rsync do it: reading the gigabytes of a model for a checksum would take minutes before every run. Copies that keep
 * their times (cp -p, rsync -a) are the same weights. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "common.h"

typedef struct cli_settings {
    const char *command;
    const cogvideo_tokens *input; /* codes that the run begins with, or NULL */
    int count;                    /* frames asked for; 0 = the model's */
    const cli_session *session;
    const cogvideo_generate_options *options;
    const cli_model_options *model;
    double guidance; /* as given; NAN = the model's */
    int rounds;      /* 0 = the model's */
    int upscaled;
} cli_settings;

/* The settings of one of the run's samples, counted as first_sample is, as members of the object that is open. */
void cli_settings_put(json_out *json, const cli_settings *settings, int sample);
/* The same as an object of its own. */
cv_json *cli_settings_object(const cli_settings *settings, int sample);

/* CLI_OK where `was`, whose other members do not count, has all members of `asked` with the same values. Otherwise CLI_FAILED, and in *difference
 * the first that differs, in fresh memory: "seed":3 and not "seed":4. */
int cli_settings_compare(const cv_json *was, const cv_json *asked, char **difference);

#endif
