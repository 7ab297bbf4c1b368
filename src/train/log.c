#include "train/log.h"

#include "base/output.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cogvideo_status cannot(const char *path, const char *what, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be %s: %s", path, what, strerror(errno));
}

/* Copies the lines of the first `steps` steps; what is no such line, as the half of one that a full disk left, goes. */
static cogvideo_status copy_lines(FILE *from, const char *path, cv_output *to, int steps, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int step;

    while (status == COGVIDEO_OK && (length = getline(&line, &room, from)) > 0)
        if (line[length - 1] == '\n' && sscanf(line, "{\"step\":%9d", &step) == 1 && step <= steps)
            status = cv_output_write(to, line, (size_t)length, err);
    if (status == COGVIDEO_OK && !feof(from))
        status = cannot(path, "read", err);
    free(line);
    return status;
}

static cogvideo_status cut(const char *path, int steps, cogvideo_error *err)
{
    FILE *from = fopen(path, "rb");
    cv_output to = { 0 };
    cogvideo_status status;

    if (!from)
        return errno == ENOENT ? COGVIDEO_OK : cannot(path, "opened", err);
    CV_TRY(cv_output_open(&to, path, err));
    CV_TRY(copy_lines(from, path, &to, steps, err));
    CV_TRY(cv_output_commit(&to, err));
done:
    cv_output_abandon(&to);
    fclose(from);
    return status;
}

cogvideo_status cv_train_log_open(cv_train_log *out, const char *folder, bool resume, int steps, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    int file;

    if (!(out->path = cv_path_join(folder, "log.jsonl", err)))
        return COGVIDEO_ERROR_MEMORY;
    if (resume)
        CV_TRY(cut(out->path, steps, err));
    /* Through a link another file would be written. */
    file = open(out->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (resume ? O_APPEND : O_TRUNC), 0666);
    if (file < 0 || !(out->file = fdopen(file, "w"))) {
        status = cannot(out->path, "written", err);
        if (file >= 0)
            close(file);
    }
done:
    return status;
}

cogvideo_status cv_train_log_step(const cv_train_log *log, const cogvideo_train_progress *p, cogvideo_error *err)
{
    if (fprintf(log->file,
                "{\"step\":%d,\"loss\":%.6g,\"learning_rate\":%.4g,\"gradient_norm\":%.4g,\"per_second\":%.1f}\n",
                p->step, p->loss, p->learning_rate, p->gradient_norm, p->samples_per_second) < 0 ||
        fflush(log->file) != 0)
        return cannot(log->path, "written", err);
    return COGVIDEO_OK;
}

cogvideo_status cv_train_log_evaluation(const cv_train_log *log, int step, double held_out, const char *members,
                                        cogvideo_error *err)
{
    if (fprintf(log->file, "{\"step\":%d,\"held_out\":%.6g%s}\n", step, held_out, members) < 0 ||
        fflush(log->file) != 0)
        return cannot(log->path, "written", err);
    return COGVIDEO_OK;
}

void cv_train_log_close(cv_train_log *log)
{
    if (log->file)
        fclose(log->file);
    cv_free(log->path);
    *log = (cv_train_log){ 0 };
}
