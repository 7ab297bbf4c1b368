/* story.h - the scenes of a story and what the first of them goes on from, as the command line gives them. */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include "generate_run.h"
#include "prompts.h"

typedef struct cli_story {
    cli_prompts file;       /* of --story */
    cogvideo_scene *scenes; /* NULL = the prompt alone */
    cogvideo_value first;   /* of --first */
} cli_story;

/* Reads them and puts them into the options of a run, which point to them. CLI_OK, or another code after an error was
 * printed. Close it after errors too. */
int cli_story_open(cli_story *story, cli_session *session, const generate_settings *s,
                   cogvideo_generate_options *options, cogvideo_run_options *run);
void cli_story_close(cli_story *story);

#endif
