/* model_json.h - describes a model directory as JSON, for `info` and for what `import` and `quantize` have made. */
#ifndef CLI_MODEL_JSON_H
#define CLI_MODEL_JSON_H

#include <cogvideo/model.h>

void cli_model_json(const cogvideo_model *model, const cogvideo_model_info *info);
/* Reports that the directory was made, as a sentence or as the JSON of its model. Returns CLI_OK, or another exit
 * code after printing an error. */
int cli_model_made(const char *folder, int quiet, int json);

#endif
