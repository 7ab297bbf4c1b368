#include "record.h"

#include "say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cli_files_name(cli_files *files)
{
    char *stem = cli_stem(files->video);

    files->keys = cli_format("%s.keyframes.jsonl", stem);
    files->middle = cli_format("%s.interpolated.jsonl", stem);
    files->codes = cli_format("%s.jsonl", stem);
    files->record = cli_format("%s.json", stem);
    free(stem);
}

int cli_files_check(const cli_files *files, int force)
{
    const char *const names[] = { files->keys, files->middle, files->codes, files->record };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int status = cli_check_output(names[i], force);

        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}

void cli_files_free(cli_files *files)
{
    free(files->video);
    free(files->keys);
    free(files->middle);
    free(files->codes);
    free(files->record);
    *files = (cli_files){ 0 };
}

void cli_files_json(json_out *json, const cli_files *files, int upscaled)
{
    json_string(json, "video", files->video);
    json_string(json, "keyframes", files->keys);
    if (upscaled)
        json_string(json, "interpolated", files->middle);
    json_string(json, "codes", files->codes);
    json_string(json, "record", files->record);
}

/* A number that 0 leaves to the model. */
static void optional(json_out *json, const char *key, double value)
{
    json_number(json, key, value == 0 ? NAN : value, 15);
}

static void put_sampling(json_out *json, const cogvideo_sampling *sampling)
{
    json_begin(json, "sampling");
    json_bool(json, "greedy", sampling->greedy);
    optional(json, "temperature", sampling->temperature);
    if (sampling->clusters < 0)
        json_integer(json, "clusters", 0);
    else
        optional(json, "clusters", sampling->clusters);
    optional(json, "code_temperature", sampling->code_temperature);
    optional(json, "top_k", sampling->top_k);
    optional(json, "top_p", sampling->top_p);
    json_end(json);
}

/* What the codes follow from, beside the weights and the machine. */
static void put_settings(json_out *json, const cli_record *record)
{
    const cogvideo_generate_options *options = record->options;

    json_string(json, "program", "cogvideo");
    json_string(json, "version", cogvideo_version());
    json_string(json, "model", record->session->info.name);
    json_string(json, "prompt", options->prompt);
    if (options->text_ids)
        json_ints(json, "text_ids", options->text_ids, options->text_count);
    if (options->guide_ids)
        json_ints(json, "guide_ids", options->guide_ids, options->guide_count);
    json_integer(json, "seed", (long long)options->seed);
    json_integer(json, "sample", options->first_sample);
    /* null is the model's own value, here and below */
    json_number(json, "guidance", record->guidance, 15);
    json_number(json, "text_weight", options->text_weight, 15);
    put_sampling(json, &options->sampling);
    json_bool(json, "cut_text", options->cut_text);
    optional(json, "seconds", options->seconds);
    optional(json, "rounds", record->rounds);
    json_bool(json, "upscaled", record->upscaled);
}

/* The weights' files, of which a path may change. */
static void put_weights(json_out *json, const cogvideo_model *model)
{
    const char *path;
    uint64_t bytes;

    json_begin_array(json, "weights");
    for (int i = 0; (path = cogvideo_model_file(model, i, &bytes, NULL)); i++) {
        const char *slash = strrchr(path, '/');
        struct stat info = { 0 };

        stat(path, &info);
        json_begin(json, NULL);
        json_string(json, "file", slash ? slash + 1 : path);
        json_integer(json, "bytes", (long long)bytes);
        json_integer(json, "changed", (long long)info.st_mtime);
        json_end(json);
    }
    json_end_array(json);
}

/* Codes as a number that tells others from them. */
static void put_input(json_out *json, const cogvideo_tokens *clip)
{
    const size_t codes = (size_t)clip->frames * (size_t)clip->grid * (size_t)clip->grid;

    json_begin(json, "input");
    json_integer(json, "frames", clip->frames);
    json_integer(json, "grid", clip->grid);
    json_integer(json, "checksum", cli_checksum(clip->codes, codes * sizeof *clip->codes));
    json_end(json);
}

char *cli_record_settings(const cli_record *record, int f32_inputs, int cache)
{
    char *text = NULL, build[512];
    size_t size;
    json_out json = { .stream = open_memstream(&text, &size), .first = 1 };

    if (!json.stream)
        return NULL;
    json_begin(&json, NULL);
    json_string(&json, "format", "cogvideo-journal");
    json_integer(&json, "journal", 1);
    json_string(&json, "command", record->command);
    put_settings(&json, record);
    optional(&json, "count", record->count);
    if (record->input)
        put_input(&json, record->input);
    cogvideo_build_info(build, sizeof build);
    json_string(&json, "build", build); /* kernels and compiler round in their own way */
    json_bool(&json, "f32_inputs", f32_inputs);
    json_integer(&json, "cache", cache);
    put_weights(&json, record->session->model);
    json_end(&json);
    if (fclose(json.stream) != 0) { /* for want of memory */
        free(text);
        return NULL;
    }
    return text;
}

static void put_record(json_out *json, const cli_record *record, const cogvideo_tokens *clip)
{
    json_begin(json, NULL);
    put_settings(json, record);
    json_integer(json, "frames", clip->frames);
    json_integer(json, "grid", clip->grid);
    json_integer(json, "rate", clip->rate);
    json_begin(json, "files");
    cli_files_json(json, record->files, record->upscaled);
    json_end(json);
    if (clip->header)
        json_raw(json, "clip", clip->header);
    json_begin_array(json, "command");
    for (int i = 0; i < record->arguments->argc; i++)
        json_string(json, NULL, record->arguments->argv[i]);
    json_end_array(json);
    json_end(json);
    putc('\n', json->stream);
}

int cli_record_save(const cli_record *record, const cogvideo_tokens *clip)
{
    json_out json = { .stream = cli_file_open(record->files->record), .first = 1 };

    if (!json.stream)
        return CLI_FAILED;
    put_record(&json, record, clip);
    return cli_file_close(json.stream, record->files->record, 1);
}
