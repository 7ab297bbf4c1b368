/* model_json.h - what a model directory holds, as JSON: of `info`, and of what `import` and `quantize` have made. */
#ifndef CLI_MODEL_JSON_H
#define CLI_MODEL_JSON_H

#include <cogvideo/model.h>

void cli_model_json(const cogvideo_model *model, const cogvideo_model_info *info);
/* Says that the directory was made, or prints the JSON of its model. CLI_OK, or another exit code after an error was printed. */
int cli_model_made(const char *folder, int quiet, int json);

#endif
