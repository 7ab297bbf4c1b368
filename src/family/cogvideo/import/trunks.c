#include "family/cogvideo/import/trunks.h"

#include <stdio.h>

static const char *const titles[CV_ROLES] = { "stage 1", "stage 2", "CogLM", "the upscaler", "the refiner" };

static bool is_stage(cv_role role)
{
    return role == CV_ROLE_STAGE1 || role == CV_ROLE_STAGE2;
}

static bool same_sizes(const cv_transformer_sizes *a, const cv_transformer_sizes *b)
{
    return a->layers == b->layers && a->hidden == b->hidden && a->mlp == b->mlp && a->vocabulary == b->vocabulary &&
           a->positions == b->positions;
}

static cogvideo_status tell(const cv_trunks *trunks, cv_role earlier, cv_role role, const char *difference,
                            const cogvideo_log *log, cogvideo_error *err)
{
    if (difference && role == CV_ROLE_COGLM)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: its trunk is not that of %s, they differ first in %s: import CogView2 as a model of its "
                       "own",
                       cv_torch_path(trunks->networks[role]->torch), cv_torch_path(trunks->networks[earlier]->torch),
                       difference);
    if (difference)
        cv_log(log, COGVIDEO_LOG_INFO, "the trunks of %s and %s differ, first in %s: both are kept", titles[earlier],
               titles[role], difference);
    else
        cv_log(log, COGVIDEO_LOG_INFO, "the trunks of %s and %s are equal in every bit: one is kept", titles[earlier],
               titles[role]);
    return COGVIDEO_OK;
}

/* One trunk with that of an earlier network. What is read for nothing counts as work that came on top; an equal one
 * is not read again to be written. */
static cogvideo_status compare(const cv_trunks *trunks, cv_role earlier, cv_role role, bool *same, cv_import_job *job,
                               cogvideo_error *err)
{
    const cv_network *a = trunks->networks[earlier], *b = trunks->networks[role];
    const uint64_t done = job->done;
    const char *name = NULL;
    char difference[140] = "their sizes";
    cogvideo_status status;

    *same = false;
    if (same_sizes(&a->sizes, &b->sizes)) {
        CV_TRY(cv_convert_compare(job, a->torch, &a->names, b->torch, &b->names, &name, err));
        *same = !name;
        snprintf(difference, sizeof difference, "'%s'", name ? name : "");
    }
    if (!*same)
        job->total += job->done - done;
    CV_TRY(tell(trunks, earlier, role, *same ? NULL : difference, &job->options->log, err));
done:
    return status;
}

cogvideo_status cv_trunks_compare(cv_trunks *trunks, cv_import_job *job, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    job->part = "trunk";
    for (cv_role role = 0; role < CV_ROLES; role++) {
        bool same = false;

        trunks->first[role] = role;
        for (cv_role earlier = 0; earlier < role && trunks->networks[role] && !same; earlier++) {
            if (!trunks->networks[earlier] || trunks->first[earlier] != earlier)
                continue;
            CV_TRY(compare(trunks, earlier, role, &same, job, err));
            if (same)
                trunks->first[role] = earlier;
        }
    }
done:
    return status;
}

const char *cv_trunks_file(const cv_trunks *trunks, cv_role role)
{
    const cv_role first = trunks->first[role];
    const bool apart = trunks->networks[CV_ROLE_STAGE1] && trunks->networks[CV_ROLE_STAGE2] &&
                       trunks->first[CV_ROLE_STAGE2] != CV_ROLE_STAGE1;

    if (is_stage(first) && apart)
        return first == CV_ROLE_STAGE1 ? "stage1.trunk.safetensors" : "stage2.trunk.safetensors";
    if (is_stage(first) || first == CV_ROLE_COGLM)
        return "trunk.safetensors";
    return first == CV_ROLE_UPSCALER && trunks->networks[CV_ROLE_REFINER] &&
                   trunks->first[CV_ROLE_REFINER] == CV_ROLE_UPSCALER
               ? "upscaler.trunk.safetensors"
               : NULL;
}
