/* report.h - the page of a clip that was looked into: one file of HTML, with all numbers in a block of JSON. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "attention.h"
#include "inspect.h"

/* The page's parts in src/cli/page. In the HTML a line @css, @data and @js each stands for what belongs there. */
extern const char cli_page_html[], cli_page_css[], cli_page_js[];

typedef struct cli_report {
    const cli_session *session;
    const cogvideo_tokens *clip;
    const cogvideo_video *pictures; /* NULL: there is no image tokenizer */
    const cli_inspected *inspected;
    const cli_attention *attention;
    const char *prompt;             /* NULL: text ids were given */
} cli_report;

/* CLI_OK, or an exit code after an error was printed. The file appears under its name when it is whole; "-" is standard output.
 * *bytes is its size. */
int cli_report_save(const cli_report *report, const char *path, size_t *bytes);

#endif
