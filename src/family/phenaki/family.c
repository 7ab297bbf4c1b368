/* family.c - Phenaki in the registry: R. Villegas et al., "Phenaki: Variable Length Video Generation From Open Domain
 * Textual Description", 2022. */
#include "family/phenaki/bench/bench.h"
#include "family/phenaki/import/import.h"
#include "family/phenaki/model/model.h"
#include "family/phenaki/steps/steps.h"
#include "family/pictures.h"
#include "family/phenaki/train/parts.h"

extern const cv_family cv_family_phenaki;

static const cv_step steps[] = {
    { .name = CV_SCENES_STEP,
      .title = "scenes",
      .less = "a smaller --batch and fewer --samples",
      .in = COGVIDEO_KIND_PIXELS,
      .out = COGVIDEO_KIND_CODES,
      .in_optional = true,
      .side_by_side = true,
      .need = cv_phenaki_need_scenes,
      .plan = cv_phenaki_plan_scenes,
      .run = cv_phenaki_scenes },
    { .name = "decode",
      .title = "decoding",
      .in = COGVIDEO_KIND_CODES,
      .out = COGVIDEO_KIND_PIXELS,
      .plan = cv_phenaki_plan_decode,
      .pictures = cv_decode_pictures },
};

const cv_family cv_family_phenaki = {
    .name = "phenaki",
    .size = sizeof(cv_phenaki),
    .stories = true,
    .open = cv_phenaki_open,
    .close = cv_phenaki_close,
    .info = cv_phenaki_info,
    .property = cv_phenaki_property,
    .defaults = cv_phenaki_defaults,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .decode = cv_phenaki_decode,
    .encoder_open = cv_phenaki_encoder_open,
    .encoder_frame = cv_phenaki_encoder_frame,
    .encoder_finish = cv_phenaki_encoder_finish,
    .encoder_close = cv_phenaki_encoder_close,
    .score = cv_phenaki_score,
    .sources = cv_phenaki_sources,
    .import = cv_phenaki_import,
    .bench_model = cv_phenaki_bench_model,
    .bench = cv_phenaki_bench,
    .parts = cv_phenaki_parts,
    .part_count = CV_PHENAKI_PARTS,
    .dataset_tokens = cv_phenaki_dataset_tokens,
    .check_tokenizer = cv_phenaki_check_tokenizer,
};
