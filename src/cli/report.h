/* report.h - writes the page of an inspected clip: one HTML file, with all numbers in a block of JSON. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "attention.h"
#include "inspect.h"

/* The page's parts in src/cli/page. In the HTML a line @css, @data or @js stands for the part of that name. */
extern const char cli_page_html[], cli_page_css[], cli_page_js[];

typedef struct cli_report {
    const cli_session *session;
    const cogvideo_tokens *clip;
    const cogvideo_video *pictures; /* NULL: the model has no image tokenizer */
    const cli_inspected *inspected;
    const cli_attention *attention;
    const char *prompt; /* NULL: text ids were given */
} cli_report;

/* Returns CLI_OK, or an exit code after printing an error. The file appears under its name when it is complete; "-"
 * is standard output. *bytes is its size. */
int cli_report_save(const cli_report *report, const char *path, size_t *bytes);

#endif
