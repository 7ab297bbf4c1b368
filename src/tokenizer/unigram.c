#include "tokenizer/unigram.h"

#include "base/utf8.h"

#include <float.h>

#define UNKNOWN_PENALTY 10.0f /* below the score of the unlikeliest ordinary piece */

static float score_of(const cv_unigram *in, size_t piece)
{
    return in->scores ? in->scores[piece] : in->spm->pieces[piece].score;
}

/* Sets what follows from the scores of all ordinary pieces. */
static void rank_scores(cv_unigram *out)
{
    float worst = FLT_MAX;

    /* the library starts here, too: the smallest positive number, not the lowest number */
    out->best_score = FLT_MIN;
    for (size_t i = 0; i < out->spm->count; i++) {
        float score = score_of(out, i);

        if (out->spm->pieces[i].type != CV_SPM_NORMAL)
            continue;
        worst = score < worst ? score : worst;
        out->best_score = score > out->best_score ? score : out->best_score;
    }
    out->unknown_score = worst - UNKNOWN_PENALTY;
}

cogvideo_status cv_unigram_open(cv_unigram *out, const cv_spm *spm, cogvideo_error *err)
{
    cv_unigram opened = { .spm = spm };

    rank_scores(&opened);
    if (cv_trie_build(&opened.trie, spm, 1u << CV_SPM_NORMAL | 1u << CV_SPM_USER_DEFINED, err) != COGVIDEO_OK)
        return COGVIDEO_ERROR_MEMORY;
    *out = opened;
    return COGVIDEO_OK;
}

void cv_unigram_close(cv_unigram *unigram)
{
    cv_trie_free(&unigram->trie);
    cv_unigram_close_scores(unigram);
}

cogvideo_status cv_unigram_discourage(cv_unigram *out, const cv_unigram *in, const int32_t *pieces, size_t count,
                                      cogvideo_error *err)
{
    cv_unigram changed = *in;
    cogvideo_status status = COGVIDEO_OK;

    changed.scores = NULL;
    CV_NEW(changed.scores, in->spm->count, err);
    for (size_t i = 0; i < in->spm->count; i++)
        changed.scores[i] = score_of(in, i);
    for (size_t i = 0; i < count; i++)
        changed.scores[pieces[i]] = CV_UNIGRAM_DISCOURAGED;
    rank_scores(&changed);
    *out = changed;
done:
    return status;
}

void cv_unigram_close_scores(cv_unigram *unigram)
{
    cv_free(unigram->scores);
    *unigram = (cv_unigram){ 0 };
}

/* The best segmentation of a text up to some byte: its last piece and where that starts. */
typedef struct path {
    float score;
    uint32_t start;
    int32_t piece; /* -1: no segmentation ends here yet */
} path;

/* The sums equal the library's bit for bit, since rounding decides ties between paths: a candidate is a double if a
 * known piece ends it (0.1 below is one), compared with a score that was rounded to float. */
static void offer(path *end, double score, size_t start, int32_t piece)
{
    if (end->piece < 0 || score > (double)end->score)
        *end = (path){ (float)score, (uint32_t)start, piece };
}

/* Extends the best segmentation up to `start` by every piece that starts there. */
static void extend(const cv_unigram *in, const char *text, size_t size, size_t start, size_t step, path *paths)
{
    const cv_spm_piece *pieces = in->spm->pieces;
    float so_far = paths[start].score;
    bool covered = false; /* whether there is a piece of just this character */
    uint32_t node = 0;

    for (size_t end = start; end < size;) {
        int32_t piece;
        size_t length;
        double score;

        if ((node = cv_trie_step(&in->trie, node, (unsigned char)text[end++])) == 0)
            break;
        if ((piece = in->trie.nodes[node].piece) < 0)
            continue;
        length = end - start;
        /* The score of a user-defined piece is so high that no path around it wins. */
        score = pieces[piece].type == CV_SPM_USER_DEFINED ? (double)((float)length * in->best_score) - 0.1
                                                          : (double)score_of(in, (size_t)piece);
        offer(&paths[end], score + (double)so_far, start, piece);
        covered = covered || length == step;
    }
    if (!covered) {
        float sum = in->unknown_score + so_far;

        offer(&paths[start + step], (double)sum, start, (int32_t)in->spm->unknown);
    }
}

cogvideo_status cv_unigram_segment(const cv_unigram *in, const char *text, size_t size, cv_segment **segments,
                                   size_t *count, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    int32_t unknown = (int32_t)in->spm->unknown;
    size_t length = 0, i = 0;
    cv_segment *found = NULL;
    path *paths;

    CV_NEW(paths, size + 1, err);
    for (i = 0; i <= size; i++)
        paths[i].piece = -1;
    for (size_t start = 0, step; start < size; start += step) {
        step = cv_utf8_step(text + start, size - start);
        extend(in, text, size, start, step, paths);
    }
    for (size_t end = size; end > 0; end = paths[end].start)
        length++;
    CV_NEW(found, length, err);
    i = length;
    for (size_t end = size; end > 0; end = paths[end].start)
        found[--i] = (cv_segment){ paths[end].piece, paths[end].start };
    *count = 0;
    for (i = 0; i < length; i++)
        if (found[i].piece != unknown || *count == 0 || found[*count - 1].piece != unknown)
            found[(*count)++] = found[i];
    *segments = found;
done:
    cv_free(paths);
    return status;
}
