/* cogvideo tokens report - makes a page that shows what a model predicts and attends to in a clip. */
#include "commands.h"
#include "json_out.h"
#include "output.h"
#include "result.h"
#include "report.h"
#include "say.h"

typedef struct settings {
    cli_model_options model;
    cli_text_options text;
    cli_output_options output;
    cli_score_options inspect;
    cli_attention_options attention;
} settings;

static void print_list(const int *list, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(stderr, i ? ", %d" : " %d", list[i]);
}

/* Reports which part of the attention is on the page, if it is not all. */
static void print_kept_attention(const cli_session *session, const cli_attention *kept)
{
    const int layers = (int)cogvideo_model_number(session->model, "layers");

    if (kept->every == 1 && kept->layer_count == layers && kept->frame_count == kept->frames)
        return;
    if (kept->every == 0) {
        cli_say("attention: none");
        return;
    }
    fputs("attention: layers", stderr);
    print_list(kept->layers, kept->layer_count);
    fprintf(stderr, " of %d; %d of %d frames; every %d rows and columns. --layers, --frames and --every choose\n",
            layers, kept->frame_count, kept->frames, kept->every);
}

static void print_json(const char *file, size_t bytes, const cogvideo_tokens *clip, const cli_attention *kept)
{
    json_out json = { .stream = stdout, .first = 1 };

    json_begin(&json, NULL);
    json_string(&json, "file", file);
    json_integer(&json, "bytes", (long long)bytes);
    json_integer(&json, "frames", clip->frames);
    json_shape(&json, clip);
    json_begin(&json, "attention");
    json_ints(&json, "layers", kept->layers, (size_t)kept->layer_count);
    json_integer(&json, "frames", kept->frame_count);
    json_integer(&json, "every", kept->every);
    json_end(&json);
    json_end(&json);
    putchar('\n');
}

static int save(cli_session *session, const settings *s, const cogvideo_tokens *clip, const cli_inspected *inspected,
                const cli_attention *kept)
{
    const cogvideo_decode_options decode = { .callbacks = cli_callbacks(session) };
    cogvideo_video pictures = { 0 };
    cli_report report = { session, clip, NULL, inspected, kept, s->text.prompt };
    cogvideo_error err;
    int status = CLI_OK;
    size_t bytes;

    if (cogvideo_model_number(session->model, "image_tokenizer") != 0 ||
        cogvideo_model_number(session->model, "video_tokenizer") != 0) {
        if (cogvideo_decode(session->model, &decode, clip, &pictures, &err) != COGVIDEO_OK)
            status = cli_failed(session, &err);
        cli_progress_end(&session->progress);
        report.pictures = &pictures;
    }
    if (status == CLI_OK)
        status = cli_report_save(&report, s->output.output, &bytes);
    cogvideo_video_free(&pictures);
    if (status != CLI_OK)
        return status;
    if (!session->progress.quiet && cogvideo_can_inspect(session->model))
        print_kept_attention(session, kept);
    if (s->output.json)
        print_json(s->output.output, bytes, clip, kept);
    else if (!session->progress.quiet && bytes > 0)
        cli_say("%s: %d frame%s, %.1f MB", s->output.output, clip->frames, clip->frames == 1 ? "" : "s",
                (double)bytes / 1e6);
    return CLI_OK;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    settings *s = given;
    cli_session session = { 0 };
    cogvideo_tokens clip = { 0 };
    cli_inspected inspected = { 0 };
    cli_attention kept = { 0 };
    const cli_watch watch = { cli_attention_wanted, cli_attention_add, &kept };
    int status = cli_need_output(command, &s->output);

    cli_progress_init(&session.progress, s->model.quiet);
    if (status == CLI_OK)
        status = cli_check_output(s->output.output, s->output.force);
    if (status == CLI_OK)
        status = cli_open_clip(command, &session, &s->model, arguments->values[0], &clip);
    if (status == CLI_OK && !cogvideo_can_inspect(session.model))
        s->attention.every = 0;
    if (status == CLI_OK)
        status = cli_attention_begin(command, &session, &clip, &s->attention, &kept);
    if (status == CLI_OK)
        status =
            cli_inspect(command, &session, &s->text, &s->inspect, &clip, kept.every > 0 ? &watch : NULL, &inspected);
    if (status == CLI_OK)
        status = save(&session, s, &clip, &inspected, &kept);
    cli_inspected_free(&inspected);
    cli_attention_free(&kept);
    cogvideo_tokens_free(&clip);
    cli_close(&session);
    return status;
}

static const arg_group groups[] = {
    { "Options", cli_inspect_table, offsetof(settings, inspect) },
    { "Attention on the page", cli_attention_table, offsetof(settings, attention) },
    { "Output", cli_output_table, offsetof(settings, output) },
    { "Text", cli_prompt_table, offsetof(settings, text) },
    { "More about the text", cli_text_table, offsetof(settings, text) },
    { "Guidance", cli_guide_table, offsetof(settings, text) },
    { "Model", cli_model_table, offsetof(settings, model) },
    { 0 },
};

const cli_command cmd_tokens_report = {
    .name = "tokens report",
    .summary = "make a page that shows the inside of a clip and the model",
    .usage = "[OPTIONS] CODES -o FILE.html",
    .details = "One HTML file that needs no network: each frame with its codes, their probability and entropy, what "
               "changed since\n"
               "the previous frame, what a selected token attends to in both channels of each layer, the channels' "
               "mix, the use of\n"
               "codes and clusters, and the text's pieces. Probabilities are those of 'cogvideo score'. Attention is a "
               "mean over the heads,\n"
               "rounded to 8 bits. Of a model that fills a scene in steps: in which step each code settled, and how "
               "sure the model\n"
               "was then, in place of attention.",
    .examples = "  cogvideo tokens report clip.jsonl -o report.html\n"
                "  cogvideo tokens report --layers 0,5 --frames 1,2 clip.jsonl -o part.html",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a file of codes is missing",
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
