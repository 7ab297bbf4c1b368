# curves.awk - draws the logs of training runs as an SVG picture, a panel each:
#     awk -f weights/curves.awk run-a/log.jsonl run-b/log.jsonl >curves.svg
# Grey: the loss of batches, each point the mean of a hundredth of the steps. Red: the loss on held-out data. Losses stand on a
# logarithmic scale.

function number(key,    value) {
    if (!match($0, "\"" key "\":[-+.0-9e]+"))
        return ""
    value = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
    return value + 0
}

FNR == 1 { panel++; name[panel] = FILENAME; sub(/\/log\.jsonl$/, "", name[panel]); sub(/\.jsonl$/, "", name[panel]); sub(/.*\//, "", name[panel]) }

{
    step = number("step")
    if (step > last[panel])
        last[panel] = step
    if ((loss = number("held_out")) != "") {
        held[panel, ++held_count[panel]] = loss
        held_step[panel, held_count[panel]] = step
    } else if ((loss = number("loss")) != "") {
        losses[panel, ++count[panel]] = loss
        steps[panel, count[panel]] = step
    }
}

function x_of(p, step) { return left + 46 + step / last[p] * (width - 56) }
function y_of(loss) { return top + 24 + (log(high) - log(loss > 0 ? loss : low)) / (log(high) - log(low)) * (height - 50) }

function draw(p,    i, bin, sum, n, points, value, tick, power) {
    left = (p - 1) % 2 * width
    top = int((p - 1) / 2) * height
    bin = int(count[p] / 100) + 1
    low = 1e30
    high = 0
    n = 0
    for (i = 1; i <= count[p]; i++) {
        sum += losses[p, i]
        if (i % bin == 0) {
            mean[++n] = sum / bin
            at[n] = steps[p, i]
            sum = 0
            if (mean[n] < low) low = mean[n]
            if (mean[n] > high) high = mean[n]
        }
    }
    for (i = 1; i <= held_count[p]; i++) {
        if (held[p, i] < low) low = held[p, i]
        if (held[p, i] > high) high = held[p, i]
    }
    low /= 1.1
    high *= 1.1
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#bbb\"/>\n", left + 46, top + 24, width - 56, height - 50
    printf "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", left + 46, top + 16, name[p]
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d steps</text>\n", left + width - 10, top + height - 10, last[p]
    for (power = -4; power < 3; power++)
        for (tick = 1; tick < 10; tick = tick == 1 ? 2 : tick == 2 ? 5 : 10) {
            value = tick * 10 ^ power
            if (value > low && value < high)
                printf "<path d=\"M%d %.1fh%d\" stroke=\"#eee\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", left + 46, y_of(value), width - 56, left + 42, y_of(value) + 4, value
        }
    points = ""
    for (i = 1; i <= n; i++)
        points = points sprintf("%.1f,%.1f ", x_of(p, at[i]), y_of(mean[i]))
    printf "<polyline points=\"%s\" fill=\"none\" stroke=\"#777\"/>\n", points
    points = ""
    for (i = 1; i <= held_count[p]; i++)
        points = points sprintf("%.1f,%.1f ", x_of(p, held_step[p, i]), y_of(held[p, i]))
    printf "<polyline points=\"%s\" fill=\"none\" stroke=\"#c33\" stroke-width=\"1.5\"/>\n", points
}

END {
    width = 400
    height = 240
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n", (panel > 1 ? 2 * width : width), int((panel + 1) / 2) * height
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    for (p = 1; p <= panel; p++)
        draw(p)
    print "</svg>"
}
