/* family.c - CogVideo in the registry: W. Hong et al., "CogVideo: Large-scale Pretraining for Text-to-Video Generation
 * via Transformers", 2022. */
#include "family/cogvideo/bench/seeded.h"
#include "family/cogvideo/bench/steps.h"
#include "family/cogvideo/import/import.h"
#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/steps/steps.h"
#include "family/cogvideo/train/parts.h"
#include "family/pictures.h"

extern const cv_family cv_family_cogvideo;

static const cv_step steps[] = {
    { .name = "keyframes",
      .title = "key frames",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .in_optional = true,
      .side_by_side = true,
      .plan = cv_cogvideo_plan_keyframes,
      .run = cv_cogvideo_keyframes },
    { .name = "interpolate",
      .title = "interpolation",
      .file = "interpolated",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .plan = cv_cogvideo_plan_interpolate,
      .run = cv_cogvideo_interpolate },
    { .name = "upscale",
      .title = "super-resolution",
      .file = "upscaled",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .optional = true,
      .need = cv_cogvideo_need_upscaler,
      .plan = cv_cogvideo_plan_upscale,
      .run = cv_cogvideo_upscale },
    { .name = "refine",
      .title = "iterative super-resolution",
      .file = "refined",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_CODES,
      .optional = true,
      .asked = true,
      .need = cv_cogvideo_need_refiner,
      .plan = cv_cogvideo_plan_refine,
      .run = cv_cogvideo_refine },
    { .name = "decode",
      .title = "decoding",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_PIXELS,
      .plan = cv_cogvideo_plan_decode,
      .pictures = cv_decode_pictures },
};

const cv_family cv_family_cogvideo = {
    .name = "cogvideo",
    .size = sizeof(cv_cogvideo),
    .open = cv_cogvideo_open,
    .close = cv_cogvideo_close,
    .info = cv_cogvideo_info,
    .property = cv_cogvideo_property,
    .defaults = cv_cogvideo_defaults,
    .decode_defaults = cv_cogvideo_decode_defaults,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .decode = cv_cogvideo_decode,
    .encoder_open = cv_cogvideo_encoder_open,
    .encoder_frame = cv_cogvideo_encoder_frame,
    .encoder_finish = cv_cogvideo_encoder_finish,
    .encoder_close = cv_cogvideo_encoder_close,
    .score = cv_cogvideo_score,
    .score_caption = cv_cogvideo_score_caption,
    .compare = cv_cogvideo_compare,
    .inspect = cv_cogvideo_inspect,
    .code_cluster = cv_cogvideo_code_cluster,
    .parts = cv_cogvideo_parts,
    .part_count = CV_COGVIDEO_PARTS,
    .dataset_tokens = cv_cogvideo_dataset_tokens,
    .check_tokenizer = cv_cogvideo_check_tokenizer,
    .sources = cv_cogvideo_sources,
    .import = cv_cogvideo_import,
    .bench_model = cv_cogvideo_bench_model,
    .bench = cv_cogvideo_bench,
};
