#include "family/metrics/import/networks.h"

#include "family/metrics/import/clip_beside.h"
#include "family/metrics/import/rename.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/i3d.h"
#include "family/metrics/network/inception.h"
#include "import/given.h"

#define HUGGING_FACE "vision_model.embeddings.class_embedding"

static cogvideo_status expect_i3d(const cv_metrics_found *file, const cv_store *found, cv_store *plan, cv_json *section,
                                  cogvideo_error *err)
{
    cogvideo_status status;
    cv_i3d_config config;
    cv_i3d network;

    (void)file;
    (void)section;
    CV_TRY(cv_i3d_measure(&config, found, err));
    CV_TRY(cv_i3d_bind(&network, plan, &config, err));
done:
    return status;
}

static cogvideo_status expect_c3d(const cv_metrics_found *file, const cv_store *found, cv_store *plan, cv_json *section,
                                  cogvideo_error *err)
{
    cogvideo_status status;
    cv_c3d_config config;
    cv_c3d network;

    (void)file;
    (void)section;
    CV_TRY(cv_c3d_measure(&config, found, err));
    CV_TRY(cv_c3d_bind(&network, plan, &config, err));
done:
    return status;
}

static cogvideo_status expect_inception(const cv_metrics_found *file, const cv_store *found, cv_store *plan,
                                        cv_json *section, cogvideo_error *err)
{
    cogvideo_status status;
    cv_inception_config config;
    cv_inception network;

    (void)file;
    (void)section;
    CV_TRY(cv_inception_measure(&config, found, err));
    CV_TRY(cv_inception_bind(&network, plan, &config, err));
done:
    return status;
}

static cogvideo_status expect_clip(const cv_metrics_found *file, const cv_store *found, cv_store *plan,
                                   cv_json *section, cogvideo_error *err)
{
    const bool openai = cv_source_container(file->source) == CV_CONTAINER_TORCHSCRIPT;
    cogvideo_status status;
    cv_clip_config config = { .end = -1 };
    cv_clip *network = NULL;

    CV_TRY(cv_clip_beside(&config, cv_source_path(file->source), openai,
                          file->layout->rename == cv_rename_clip_hugging_face,
                          cv_import_value(file->options, "clip-act"), &file->options->log, err));
    CV_TRY(cv_clip_measure(&config, found, err));
    CV_TRY(cv_clip_open(&network, plan, &config, err));
    cv_clip_config_describe(&config, section);
done:
    cv_clip_close(&network);
    return status;
}

static const cv_metrics_layout i3d[] = {
    { "Conv3d_1a_7x7.conv3d.weight", NULL },
    { "conv3d_1a_7x7.conv3d.weight", cv_rename_i3d },
    { NULL, NULL },
};
static const cv_metrics_layout c3d[] = { { "conv1a/W", NULL }, { NULL, NULL } };
static const cv_metrics_layout inception[] = {
    { "Conv2d_1a_3x3.conv.weight", NULL },
    { "layers.conv.weight", cv_rename_inception },
    { NULL, NULL },
};
static const cv_metrics_layout clip[] = {
    { "visual.class_embedding", cv_rename_clip },
    { HUGGING_FACE, cv_rename_clip_hugging_face },
    { NULL, NULL },
};

const cv_metrics_importer cv_metrics_importers[CV_METRICS_IMPORTERS] = {
    { CV_METRICS_I3D, i3d, expect_i3d, NULL },
    { CV_METRICS_C3D, c3d, expect_c3d,
      "no licence is known of these weights; ask their authors before you pass them on" },
    { CV_METRICS_INCEPTION, inception, expect_inception, NULL },
    { CV_METRICS_CLIP, clip, expect_clip, NULL },
};
