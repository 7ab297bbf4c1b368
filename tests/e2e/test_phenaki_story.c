/* Stories from a Phenaki model of seeded numbers: the same for any threads, batch and interruption; written, decoded,
 * encoded and scored by the program. */
#include "support/check.h"
#include "support/phenaki_model.h"
#include "support/program.h"

#include "base/file.h"

#include <cogvideo/tokens.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TEXT "\"a large red star moves left on a white background\""
#define STORY \
    TEXT      \
        " --then \"a large red star moves up on a white background\" --then \"a large red star grows on a white background\""
#define GENERATE "generate -q --model m --no-metadata " STORY " --seed 5 "

static int set_up(void **state)
{
    (void)state;
    phenaki_model_write("m");
    program_ok(GENERATE "--samples 2 -o straight-%%d.y4m");
    return 0;
}

static bool is_there(const char *name)
{
    return access(check_temp_path(name), F_OK) == 0;
}

/* The token stream names each frame's scene, and what a scene took over. */
static void a_story_has_scenes(void **state)
{
    cogvideo_tokens clip;
    cogvideo_error err;
    int first, frames, given;

    (void)state;
    CHECK_OK(cogvideo_tokens_load(&clip, check_temp_path("straight-0.jsonl"), &err), err);
    /* 9 frames of video are 3 latent frames; each further scene has 2 that are given and as many new ones as there is
     * room for: 24 places are 4 latent frames */
    assert_true(cogvideo_tokens_scene(&clip, 0, &first, &frames, &given) && frames == 3 && given == 0);
    assert_true(cogvideo_tokens_scene(&clip, 2, &first, &frames, &given) && first == 7 && frames == 4 && given == 2);
    assert_int_equal(cogvideo_tokens_video_frames(&clip), 9 + 8 + 8);
    if (!strstr(clip.header, "moves up"))
        fail_msg("%s", clip.header);
    assert_non_null(clip.settled);
    cogvideo_tokens_free(&clip);
    program_check("tokens show straight-0.jsonl", 0, "25 video frames");
    program_check("tokens show straight-0.jsonl", 0, "scene 2: frames 7 to 10, of which 2 given");
    program_check("tokens show straight-0.jsonl", 0, "given\n");
    program_check("tokens show straight-0.jsonl", 0, ", settled in steps 0 to ");
    program_check("tokens show --json straight-0.jsonl", 0, "{\"first\":7,\"frames\":4,\"given\":2}");
    program_check("tokens show --json --frame 7 straight-0.jsonl", 0, "\"given\":true,\"settled\":[-1,");
    program_check("tokens compare straight-0.jsonl straight-0.jsonl", 0, "equal: 11 frames");
    program_check("tokens compare straight-0.jsonl straight-1.jsonl", 1, "different: ");
}

/* The page tells when each code settled; there is no attention to look at. */
static void a_page_shows_how_a_scene_was_filled(void **state)
{
    cv_buffer page = { 0 };
    cogvideo_error err;

    (void)state;
    program_ok("tokens report -q --model m straight-0.jsonl -o page.html");
    CHECK_OK(cv_file_read(&page, check_temp_path("page.html"), 1 << 24, &err), err);
    assert_non_null(strstr(page.data, "\"settled\":["));
    assert_non_null(strstr(page.data, "\"confidence\":["));
    assert_non_null(strstr(page.data, "\"scene\":2"));
    assert_non_null(strstr(page.data, "\"logprob\":["));
    assert_non_null(strstr(page.data, "data:image/jpeg"));
    assert_null(strstr(page.data, "\"entropy\":["));
    cv_buffer_free(&page);
    program_check("tokens show --model m straight-0.jsonl", 0, "    0       0      -  ");
}

/* After each step the scene is seen as it is. */
static void previews_show_a_scene(void **state)
{
    (void)state;
    program_ok("generate -q --model m --no-metadata " TEXT " --seed 5 --preview p.ppm -o seen.y4m");
    assert_true(is_there("p.ppm"));
    program_ok("decode --model m seen.jsonl -q -o sheet.ppm");
    program_equal_files("p.ppm", "sheet.ppm");
}

static void threads_and_batch_change_nothing(void **state)
{
    (void)state;
    program_ok(GENERATE "--samples 2 --threads 1 --batch 1 -o other-%%d.y4m");
    for (int i = 0; i < 2; i++) {
        char a[40], b[40];

        snprintf(a, sizeof a, "straight-%d.y4m", i);
        snprintf(b, sizeof b, "other-%d.y4m", i);
        program_equal_files(a, b);
        snprintf(a, sizeof a, "straight-%d.jsonl", i);
        snprintf(b, sizeof b, "other-%d.jsonl", i);
        program_equal_files(a, b);
    }
    program_ok(GENERATE "--first-sample 1 -o one.y4m");
    program_equal_files("one.y4m", "straight-1.y4m");
}

/* Nor where layers take their inputs in 8 bits, which is not what they give in f32. */
static void nor_do_they_in_8_bits(void **state)
{
    (void)state;
    program_ok("quantize -q m m8");
    program_ok("generate -q --model m8 --no-metadata " STORY " --seed 5 --samples 2 -o narrow-%%d.y4m");
    program_ok("generate -q --model m8 --no-metadata " STORY
               " --seed 5 --samples 2 --threads 1 --batch 1 -o again-%%d.y4m");
    program_ok("generate -q --model m8 --no-metadata " STORY
               " --seed 5 --samples 2 --activations f32 -o exact-%%d.y4m");
    program_equal_files("narrow-0.jsonl", "again-0.jsonl");
    program_equal_files("narrow-1.jsonl", "again-1.jsonl");
    program_check("tokens compare narrow-1.jsonl exact-1.jsonl", 1, "different: ");
}

/* Killed in each scene, a run goes on to the same clip. */
static void killed_runs_go_on(void **state)
{
    (void)state;
    for (int lines = 2; lines < 8; lines += 2)
        program_interrupt(SIGKILL, "r.journal", lines, GENERATE "--threads %d --resume -o r.y4m", 1 + lines % 2);
    program_ok(GENERATE "--resume -o r.y4m");
    program_equal_files("r.y4m", "straight-0.y4m");
    program_equal_files("r.jsonl", "straight-0.jsonl");
    assert_false(is_there("r.journal"));
}

static void a_file_of_scenes_is_the_same_story(void **state)
{
    static const char scenes[] = "a large red star moves left on a white background\n\n"
                                 "{\"text\": \"a large red star moves up on a white background\"}\r\n"
                                 "a large red star grows on a white background";
    char wordy[2000];

    (void)state;
    check_write(check_temp_path("story.txt"), scenes, sizeof scenes - 1);
    program_ok("generate -q --model m --no-metadata --story story.txt --seed 5 -o file.y4m");
    program_equal_files("file.y4m", "straight-0.y4m");
    program_check("generate --model m --story story.txt " TEXT " -o x.y4m" STDERR, 2, "--story has all scenes");
    program_check("generate --model m --seconds 900 a -o x.y4m" STDERR, 1, "there is room for");
    program_check("generate --model m '' -o x.y4m" STDERR, 1, "the prompt is empty");
    program_check("generate --model m " TEXT " --then ' ' -o x.y4m" STDERR, 1, "scene 2: the prompt is empty");
    program_check("generate --model m " TEXT " --context 4 -o x.y4m" STDERR, 1, "a context of 4 frames cannot be");
    program_check("generate --model m --story none.txt -o x.y4m" STDERR, 1, "none.txt");
    check_write(check_temp_path("bad.txt"), "{\"text\":\"a\",\"second\":2}\n", 25);
    program_check("generate --model m --story bad.txt -o x.y4m" STDERR, 1, "second");
    memset(wordy, 'a', sizeof wordy);
    for (size_t i = 1; i < sizeof wordy; i += 2)
        wordy[i] = i == 1 ? '\n' : ' ';
    check_write(check_temp_path("wordy.txt"), wordy, sizeof wordy);
    program_check("generate --model m --story wordy.txt -o x.y4m" STDERR, 1, "scene 2: the text has ");
}

static void a_story_goes_on_from_a_clip(void **state)
{
    (void)state;
    program_ok("generate -q --model m --no-metadata " TEXT " --seed 5 --first straight-0.y4m -o on.y4m");
    program_check("tokens show on.jsonl", 0, "8 video frames");
    program_check("generate --model m " TEXT " --context 4 --first straight-0.y4m -o x.y4m" STDERR, 1,
                  "the nearest is 5");
}

/* What is encoded comes back as a clip of as many frames. */
static void videos_are_encoded_in_windows(void **state)
{
    (void)state;
    program_ok("encode --model m straight-0.y4m -q -o encoded.jsonl");
    program_check("tokens show encoded.jsonl", 0, "25 video frames");
    program_check("tokens convert encoded.jsonl -o encoded.npy" STDERR, 0,
                  "encoded.npy: holds the codes alone, not that");
    program_ok("decode --model m encoded.jsonl -q -o decoded.y4m");
    program_ok("decode --model m straight-0.jsonl -q --no-metadata -o again.y4m");
    program_equal_files("again.y4m", "straight-0.y4m");
}

static void codes_are_scored(void **state)
{
    (void)state;
    program_check("score --model m straight-0.jsonl", 0, "{\"frame\":10,\"logprob\":[");
    program_check("score --model m --masked-share 0.5 straight-0.jsonl", 0, "{\"frame\":10,\"logprob\":[");
    program_check("score --model m --stage 2 straight-0.jsonl" STDERR, 1, "has no stages");
}

/* A scene is scored under its own prompt, and not under none or another's where the header leaves it out. */
static void a_scene_without_a_prompt_is_not_scored(void **state)
{
    static char header[] = "{\"prompt\":\"a star\",\"scenes\":[{\"prompt\":\"a star\"},{\"prompt\":\"a square\"}]}";
    cogvideo_tokens clip;
    cogvideo_error err;
    char *whole;

    (void)state;
    CHECK_OK(cogvideo_tokens_load(&clip, check_temp_path("straight-0.jsonl"), &err), err);
    whole = clip.header;
    clip.header = header;
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("short.jsonl"), &err), err);
    clip.header = whole;
    cogvideo_tokens_free(&clip);
    program_check("score --model m short.jsonl" STDERR, 1, "no prompt of scene 3 is known");
    program_check("score --model m --prompt \"a star\" short.jsonl", 0, "{\"frame\":10,\"logprob\":[");
}

static void samplers_are_chosen(void **state)
{
    (void)state;
    program_ok("generate -q --model m " TEXT " --sampler maskgit --choice-temperature 2 --steps 3 --seed 1 -o a.y4m");
    program_ok("generate -q --model m " TEXT " --sampler critic --steps 3 --seed 1 -o b.y4m");
    program_check("generate --model m " TEXT " --top-k 3 -o x.y4m" STDERR, 2, "no step of this model reads --top-k");
    program_check("generate --model m " TEXT " --text-weight 1 -o x.y4m" STDERR, 2, "reads --text-weight");
    program_check("generate --model m --prompts list.txt --context 5 -o x-%%d.y4m" STDERR, 2, "--first and --context");
    program_check("generate --model m " TEXT " --steps 0 -o x.y4m" STDERR, 1, "steps");
    program_check("keyframes --model m " TEXT " -o x.jsonl" STDERR, 1, "keyframes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_has_scenes),
        cmocka_unit_test(threads_and_batch_change_nothing),
        cmocka_unit_test(nor_do_they_in_8_bits),
        cmocka_unit_test(a_page_shows_how_a_scene_was_filled),
        cmocka_unit_test(previews_show_a_scene),
        cmocka_unit_test(killed_runs_go_on),
        cmocka_unit_test(a_file_of_scenes_is_the_same_story),
        cmocka_unit_test(a_story_goes_on_from_a_clip),
        cmocka_unit_test(videos_are_encoded_in_windows),
        cmocka_unit_test(samplers_are_chosen),
        cmocka_unit_test(codes_are_scored),
        cmocka_unit_test(a_scene_without_a_prompt_is_not_scored),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
