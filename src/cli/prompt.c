#include "prompt.h"

#include "say.h"

#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROMPT ((size_t)1 << 20)
#define FEW_WORDS 200             /* pieces of a model whose words are told */
#define WORD_START "\xe2\x96\x81" /* U+2581, a space in a piece */

const char *cli_prompt(cli_session *session, const char *argument)
{
    const char *other;
    size_t size;

    if (strcmp(argument, "-") != 0)
        return argument;
    if (cli_take_input(session, argument, "the prompt") != CLI_OK)
        return NULL;
    session->prompt = cli_alloc(MAX_PROMPT + 2, 1);
    size = fread(session->prompt, 1, MAX_PROMPT + 1, stdin);
    if (ferror(stdin)) {
        cli_error("standard input: cannot be read: %s", strerror(errno));
        return NULL;
    }
    if (size > MAX_PROMPT) {
        cli_error("standard input: a prompt may have at most %zu bytes", MAX_PROMPT);
        return NULL;
    }
    if ((other = cv_utf8_other(session->prompt, size))) {
        cli_error("standard input: " CV_UTF8_EXPECTED, other, other);
        return NULL;
    }
    if (memchr(session->prompt, 0, size)) {
        cli_error("standard input: holds a zero byte; a text was expected");
        return NULL;
    }
    while (size > 0 && strchr("\r\n", session->prompt[size - 1]))
        session->prompt[--size] = '\0';
    return session->prompt + cv_utf8_mark(session->prompt, size);
}

int cli_open_prompt(const cli_command *command, cli_session *session, const cli_model_options *model,
                    cli_text_options *text, const cli_arguments *arguments)
{
    if (arguments->count > 0 && !(text->prompt = cli_prompt(session, arguments->values[0])))
        return CLI_FAILED;
    return cli_open(command, session, model);
}

cv_json *cli_header(const cogvideo_tokens *clip)
{
    cv_json *header = NULL;

    return clip->header &&
                   cv_json_parse(&header, clip->header, strlen(clip->header), "the clip's header", NULL) == COGVIDEO_OK
               ? header
               : NULL;
}

/* The prompt that a clip's header tells, in fresh memory, or NULL. */
static char *header_prompt(const cogvideo_tokens *clip)
{
    cv_json *header = cli_header(clip);
    const char *text = NULL;
    char *prompt = cv_json_string(header, "prompt", &text, "", NULL) == COGVIDEO_OK ? cli_format("%s", text) : NULL;

    cv_json_free(&header);
    return prompt;
}

/* Whether the header of a story tells each scene's own prompt. */
static int has_scenes(const cogvideo_tokens *clip)
{
    cv_json *header = clip->scenes ? cli_header(clip) : NULL;
    const int has = cv_json_count(cv_json_get(header, "scenes")) > 1;

    cv_json_free(&header);
    return has;
}

int cli_clip_prompt(cli_session *session, cli_text_options *text, const cogvideo_tokens *clip)
{
    if (text->prompt)
        return (text->prompt = cli_prompt(session, text->prompt)) ? CLI_OK : CLI_FAILED;
    if (!text->text_ids.values && has_scenes(clip))
        return CLI_OK;
    if (!text->text_ids.values)
        text->prompt = session->prompt = header_prompt(clip);
    if (text->prompt || text->text_ids.values)
        return CLI_OK;
    return cli_error("no prompt is known: the clip's header has none; give --prompt or --text-ids");
}

/* The words of a model that knows few enough to be told: its pieces but for marks, digits and pieces like <n>. */
static void print_words(const cogvideo_model_info *info, const cogvideo_model *model, FILE *out)
{
    int first = info->first_text_id;

    fputs("it knows:", out);
    for (int id = first; id < first + info->text_pieces; id++) {
        const char *piece = cogvideo_text_piece(model, id);

        if (strncmp(piece, WORD_START, strlen(WORD_START)) == 0)
            piece += strlen(WORD_START);
        if (*piece != '<' && (isalpha((unsigned char)*piece) || strlen(piece) > 3))
            fprintf(out, " %s", piece);
    }
}

/* Text that is not UTF-8 is refused later, by the run. */
static int is_utf8(const char *text)
{
    int length = 1;

    for (; *text && length; text += length)
        length = cli_utf8(text);
    return length != 0;
}

void cli_warn_of_unknown(cli_session *session, const char *prompt)
{
    const cogvideo_model_info *info = &session->info;
    char *unknown = NULL, *words = NULL, *text;
    cogvideo_error err;
    size_t size;
    FILE *out;

    if (!prompt || !is_utf8(prompt) || !info->has_text_tokenizer ||
        cogvideo_text_unknown(session->model, prompt, strlen(prompt), &unknown, &err) != COGVIDEO_OK || !unknown)
        return;
    if (info->text_pieces <= FEW_WORDS && (out = open_memstream(&words, &size))) {
        print_words(info, session->model, out);
        fclose(out);
    }
    text = cli_excerpt(unknown);
    cli_warning("the model has never seen '%s'%s%s", text, words ? "; " : "", words ? words : "");
    free(text);
    free(words);
    cogvideo_free(unknown);
}
