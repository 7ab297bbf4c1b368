#include "import/pickle_machine.h"

cogvideo_status cv_machine_fail(const cv_machine *m, const char *what)
{
    return cv_fail(m->err, COGVIDEO_ERROR_FORMAT, "%s: the pickle %s (at byte %zu of %zu)", m->origin, what, m->at,
                   m->size);
}

cogvideo_status cv_machine_take(cv_machine *m, uint64_t size, const char **out)
{
    if (size > m->size - m->at)
        return cv_machine_fail(m, "ends too early: it is truncated, or a length in it is wrong");
    *out = (const char *)m->bytes + m->at;
    m->at += (size_t)size;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_take_number(cv_machine *m, int width, uint64_t *out)
{
    const char *bytes = NULL;
    cogvideo_status status = cv_machine_take(m, (uint64_t)width, &bytes);

    *out = 0;
    for (int i = width - 1; status == COGVIDEO_OK && i >= 0; i--)
        *out = *out << 8 | (unsigned char)bytes[i];
    return status;
}

cogvideo_status cv_machine_new(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **out)
{
    cv_pickle *pickle = m->pickle;
    cv_pickle_block *b = pickle->blocks;

    if (pickle->values == CV_PICKLE_MAX_VALUES)
        return cv_machine_fail(m, "holds more values than a checkpoint can need");
    if (!b || b->used == CV_PICKLE_BLOCK) {
        if (!(b = cv_alloc(1, sizeof *b, m->err)))
            return COGVIDEO_ERROR_MEMORY;
        b->next = pickle->blocks;
        pickle->blocks = b;
    }
    pickle->values++;
    *out = &b->values[b->used++];
    (*out)->kind = kind;
    return COGVIDEO_OK;
}

/* Makes room for one more pointer in an array that doubles. */
static cogvideo_status grow(cv_pickle_value ***items, size_t count, size_t *capacity, cogvideo_error *err)
{
    size_t wider = *capacity ? 2 * *capacity : 8;
    cv_pickle_value **grown;

    if (count < *capacity)
        return COGVIDEO_OK;
    if (!(grown = cv_realloc(*items, count, wider, sizeof *grown, err)))
        return COGVIDEO_ERROR_MEMORY;
    *items = grown;
    *capacity = wider;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_append(cv_machine *m, cv_pickle_value *to, cv_pickle_value *item)
{
    cogvideo_status status;

    if (m->pickle->items == CV_PICKLE_MAX_ITEMS)
        return cv_machine_fail(m, "holds more members than a checkpoint can need");
    if ((status = grow(&to->items, to->count, &to->capacity, m->err)) != COGVIDEO_OK)
        return status;
    m->pickle->items++;
    to->items[to->count++] = item;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_push(cv_machine *m, cv_pickle_value *value)
{
    cogvideo_status status;

    if (m->count == CV_PICKLE_MAX_STACK)
        return cv_machine_fail(m, "piles up more values than a checkpoint can need");
    if ((status = grow(&m->stack, m->count, &m->capacity, m->err)) == COGVIDEO_OK)
        m->stack[m->count++] = value;
    return status;
}

cogvideo_status cv_machine_push_new(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **out)
{
    cogvideo_status status = cv_machine_new(m, kind, out);

    return status == COGVIDEO_OK ? cv_machine_push(m, *out) : status;
}

size_t cv_machine_above_mark(const cv_machine *m)
{
    return m->count - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

cogvideo_status cv_machine_pop(cv_machine *m, cv_pickle_value **out)
{
    if (cv_machine_above_mark(m) == 0)
        return cv_machine_fail(m, "takes a value from an empty stack");
    *out = m->stack[--m->count];
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_top(cv_machine *m, cv_pickle_value **out)
{
    cogvideo_status status = cv_machine_pop(m, out);

    m->count += status == COGVIDEO_OK;
    return status;
}

cogvideo_status cv_machine_pop_mark(cv_machine *m, cv_pickle_value ***items, size_t *count)
{
    if (m->mark_count == 0)
        return cv_machine_fail(m, "closes a group that it never opened");
    *count = cv_machine_above_mark(m);
    m->count -= *count;
    m->mark_count--;
    *items = m->stack ? m->stack + m->count : NULL;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_pop_many(cv_machine *m, size_t count, cv_pickle_value ***items)
{
    if (cv_machine_above_mark(m) < count)
        return cv_machine_fail(m, "takes a value from an empty stack");
    m->count -= count;
    *items = m->stack + m->count;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_mark(cv_machine *m)
{
    if (m->mark_count == CV_PICKLE_MAX_MARKS)
        return cv_machine_fail(m, "nests deeper than a checkpoint can need");
    m->marks[m->mark_count++] = m->count;
    return COGVIDEO_OK;
}

cogvideo_status cv_machine_remember(cv_machine *m, uint64_t index)
{
    cogvideo_status status;
    cv_pickle_value *value = NULL;

    CV_TRY(cv_machine_top(m, &value));
    if (index >= CV_PICKLE_MAX_MEMO)
        return cv_machine_fail(m, "remembers more values than a checkpoint can need");
    if (index >= m->memo_size) {
        size_t size = m->memo_size ? m->memo_size : 256;
        cv_pickle_value **grown;

        while (size <= index)
            size *= 2;
        if (!(grown = cv_realloc(m->memo, m->memo_size, size, sizeof *grown, m->err)))
            return COGVIDEO_ERROR_MEMORY;
        m->memo = grown;
        m->memo_size = size;
    }
    m->memo_count += m->memo[index] == NULL;
    m->memo[index] = value;
done:
    return status;
}

cogvideo_status cv_machine_recall(cv_machine *m, uint64_t index)
{
    if (index >= m->memo_size || !m->memo[index])
        return cv_machine_fail(m, "recalls a value that it never remembered");
    return cv_machine_push(m, m->memo[index]);
}

void cv_pickle_free(cv_pickle **pickle)
{
    if (!*pickle)
        return;
    for (cv_pickle_block *b = (*pickle)->blocks, *next; b; b = next) {
        next = b->next;
        for (size_t i = 0; i < b->used; i++)
            cv_free(b->values[i].items);
        cv_free(b);
    }
    cv_free(*pickle);
    *pickle = NULL;
}
