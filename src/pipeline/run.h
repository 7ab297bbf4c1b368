/* run.h - a run that goes on: its steps, its files, and what it keeps so that it can be stopped and gone on with. */
#ifndef CV_PIPELINE_RUN_H
#define CV_PIPELINE_RUN_H

#include "pipeline/files.h"
#include "pipeline/journal.h"
#include "pipeline/settings.h"
#include "pipeline/partials.h"

typedef struct cv_run {
    const cogvideo_model *model;
    const cogvideo_run_options *output;
    cogvideo_generate_options options; /* the caller's, with the run's own callbacks and seed */
    cogvideo_callbacks caller;
    const char *made_by;         /* "generate", or a step's name */
    const cogvideo_value *input; /* that the first step begins with, or NULL */
    cv_chain chain;
    cogvideo_result *result;
    uint64_t writer; /* bytes of memory that a video takes to be written */
    cv_journal journal;
    cv_json *earlier; /* what an earlier run on this output says of itself, or NULL */
    bool replaces;    /* files that are there may be replaced: by force, or because the run makes the same */
    int samples;      /* of the first step; the result has fewer where only the best go on */
    uint64_t scoring; /* bytes of memory that it takes to find them */
    long long drawn;  /* codes of the steps that are done */
    int step;         /* which goes on, and of it: */
    char part[80];    /* what was last reported ("first frame"), */
    int round;        /* in which round, */
    long long part_done, parts_done; /* how much, and of the parts before */
    cv_partials partials;
    cogvideo_error why; /* why a callback stopped a step; COGVIDEO_OK where none did */
} cv_run;

/* Plans the steps and names the files; everything is refused here that can be without a look at the disk. */
cogvideo_status cv_run_plan(cv_run *run, cogvideo_error *err);
/* Says what the run will take, and refuses what memory or disk do not suffice for. */
cogvideo_status cv_run_forecast(const cv_run *run, cogvideo_error *err);
/* Runs the steps over all samples and saves what they make. */
cogvideo_status cv_run_steps(cv_run *run, cogvideo_error *err);

/* Writes the video of clip `index` as it grows, by the last step over its codes. */
cogvideo_status cv_run_video(cv_run *run, int index, const cogvideo_value *codes, cogvideo_error *err);

/* What the run's codes follow from. */
cv_settings cv_run_settings(const cv_run *run);

/* --- resume.c ------------------------------------------------------------------------------------------------- */

/* Opens the journal, under the name that all clips of the run share; there is none where the output is standard output.
 * Without `resume` the files must be free to be written. With it run->earlier is what an earlier run says of itself, if
 * there was one. */
cogvideo_status cv_resume_open(cv_run *run, cogvideo_error *err);
/* The seed of an earlier run, or a random one, where the caller leaves it open. */
cogvideo_status cv_resume_seed(cv_run *run, cogvideo_error *err);
/* With `resume`, what of an earlier run there is: result->finished is set where the codes of all clips are there, as
 * asked for. It is an error that something else is there. */
cogvideo_status cv_resume_find(cv_run *run, cogvideo_error *err);
/* Compares the settings with those of the journal, or writes them. */
cogvideo_status cv_resume_begin(cv_run *run, cogvideo_error *err);
/* Of a run whose codes are all there: makes the videos that are missing, or were made in another form, and says what is
 * finished. */
cogvideo_status cv_resume_finish(cv_run *run, cogvideo_error *err);
/* Closes the journal of a run that ended with `status`: it goes where all is well, and stays elsewhere. */
void cv_resume_end(cv_run *run, cogvideo_status status);

#endif
