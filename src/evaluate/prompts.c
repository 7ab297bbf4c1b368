/* prompts.c - the text that a clip was made from, in the files beside it. */
#include "evaluate/set.h"

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/utf8.h"
#include "dataset/dataset.h"
#include "dataset/sources.h"

#include <cogvideo/tokens.h>
#include <string.h>

#define MAX_RECORD (4u << 20)

/* A copy of the member "prompt"; NULL where there is none, or none but spaces. */
static cogvideo_status copy_prompt(char **out, const cv_json *object, cogvideo_error *err)
{
    const cv_json *prompt = cv_json_is_object(object) ? cv_json_get(object, "prompt") : NULL;

    if (!prompt || !cv_json_is_string(prompt) || cv_json_text(prompt)[strspn(cv_json_text(prompt), " \t\r\n")] == '\0')
        return COGVIDEO_OK;
    return (*out = cv_strdup(cv_json_text(prompt), err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

/* The prompt of a record that `generate` wrote; NULL where the file is another. */
static cogvideo_status from_record(char **out, const char *path, cogvideo_error *err)
{
    cv_json *record = NULL;
    cogvideo_status status = COGVIDEO_OK;

    if (cv_json_read(&record, path, MAX_RECORD, NULL) == COGVIDEO_OK)
        status = copy_prompt(out, record, err);
    cv_json_free(&record);
    return status;
}

static cogvideo_status from_text(char **out, const char *path, cogvideo_error *err)
{
    cv_buffer text = { 0 };
    char *prompt;
    cogvideo_status status;

    CV_TRY(cv_file_read(&text, path, CV_DATASET_MAX_CAPTION, err));
    if (text.data && (cv_utf8_prefix(text.data, text.size) < text.size || strlen(text.data) < text.size)) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is no UTF-8 text; a prompt was expected", path);
        goto done;
    }
    prompt = text.data ? text.data + cv_utf8_mark(text.data, text.size) : NULL;
    if (prompt && cv_trim_line(prompt) && !(*out = cv_strdup(prompt, err)))
        status = COGVIDEO_ERROR_MEMORY;
done:
    cv_buffer_free(&text);
    return status;
}

cogvideo_status cv_prompt_of_codes(char **out, const char *path, cogvideo_error *err)
{
    cogvideo_tokens tokens = { 0 };
    cv_json *header = NULL;
    cogvideo_status status = COGVIDEO_OK;

    *out = NULL; /* a damaged file is left out later on, where clips are read */
    if (cogvideo_tokens_load(&tokens, path, NULL) == COGVIDEO_OK && tokens.header &&
        cv_json_parse(&header, tokens.header, strlen(tokens.header), path, NULL) == COGVIDEO_OK)
        status = copy_prompt(out, header, err);
    cv_json_free(&header);
    cogvideo_tokens_free(&tokens);
    return status;
}

cogvideo_status cv_prompt_beside(char **out, const char *path, cogvideo_error *err)
{
    const char *name = cv_path_name(path), *dot = strrchr(name, '.');
    const bool folder = cv_path_is_dir(path);
    const size_t stem = dot && dot > name && !folder ? (size_t)(dot - path) : strlen(path);
    static const char *const endings[] = { ".json", ".txt", "/caption.txt" };
    cv_buffer beside = { 0 };
    char *prompt = NULL;
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < (folder ? 3 : 2) && !prompt; i++) {
        beside.size = 0;
        CV_TRY(cv_buffer_printf(&beside, err, "%.*s%s", (int)stem, path, endings[i]));
        if (cv_path_is_regular(beside.data))
            CV_TRY(i == 0 ? from_record(&prompt, beside.data, err) : from_text(&prompt, beside.data, err));
    }
    *out = prompt;
done:
    cv_buffer_free(&beside);
    return status;
}
