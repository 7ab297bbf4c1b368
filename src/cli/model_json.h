/* model_json.h - describes a model as JSON, for `info`, for reports and for what `import` and `quantize` have made. */
#ifndef CLI_MODEL_JSON_H
#define CLI_MODEL_JSON_H

#include "json_out.h"

#include <cogvideo/model.h>

/* Adds what a model is to the open object: what every family has, and the rows of its own. */
void json_model(json_out *json, const cogvideo_model *model, const cogvideo_model_info *info);
/* Prints an object of that and of the model's files. */
void cli_model_json(const cogvideo_model *model, const cogvideo_model_info *info);
/* Reports that the directory was made, as a sentence or as the JSON of its model. Returns CLI_OK, or another exit
 * code after printing an error. */
int cli_model_made(const char *folder, int quiet, int json);

#endif
