#!/bin/bash
# cores.sh WORK - makes docs/cores.svg: codes a second of the full-size trunk in q8 over cores and memory bandwidth, by a simple model, with
# what this machine measures. Needs a build in build/, 14 GB in WORK, and nothing else that runs.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" && cd "$1"
cogvideo=$root/build/cogvideo
cores=$(nproc)
for threads in $(seq 1 "$cores"); do
    [ -s steps-$threads.json ] || "$cogvideo" bench --config "$root/configs/cogview2.json" --type q8 --work seeded --lookahead --hits 0.5 \
        --threads $threads --rounds 3 --seconds 4 -q --json >steps-$threads.json
    [ -s limits-$threads.json ] || "$cogvideo" bench --threads $threads --rounds 5 -q --json >limits-$threads.json
done

# number FILE NAME: the rate of a row.
number() {
    tr '{' '\n' <"$1" | sed -n "s/^\"name\":\"$2\",\"rate\":\([0-9.e+-]*\).*/\1/p" | head -n 1
}

# A line for each step: threads, GB/s, rows, steps a second.
for threads in $(seq 1 "$cores"); do
    for rows in 1 2 4 8 16; do
        codes=1
        [ $rows = 1 ] || codes=$(number steps-$threads.json "first frame, lookahead $rows, a step")
        echo $threads $(number limits-$threads.json "read bandwidth") $rows $(number steps-$threads.json "first frame, lookahead $rows") $codes
    done
done | awk '
    # A step reads the weights and multiplies them with each row; the processor does much of both at once.
    function steps(cores, bandwidth, rows) { return 1 / sqrt((bytes / (reach * bandwidth)) ^ 2 + (rows * operations / (cores * rate)) ^ 2) }
    function x(cores) { return 60 + 90 * log(cores) / log(2) }
    function y(codes) { return 320 - 28 * log(codes) / log(2) }
    function curve(bandwidth, rows, colour, dash,    cores, points) {
        for (cores = 1; cores <= 64.5; cores *= 2 ^ 0.125) points = points sprintf("%.1f,%.1f ", x(cores), y(rows * steps(cores, bandwidth, rows)))
        print "<polyline points=\"" points "\" fill=\"none\" stroke=\"" colour "\" stroke-width=\"2\"" (dash ? " stroke-dasharray=\"5 4\"" : "") "/>"
        word(608, y(rows * steps(64, bandwidth, rows)) + 4, colour, bandwidth " GB/s, " (rows == 1 ? "one row" : rows " rows"))
    }
    function word(at_x, at_y, colour, text) { print "<text x=\"" at_x "\" y=\"" at_y "\" fill=\"" colour "\">" text "</text>" }
    { threads[NR] = $1; bandwidth[NR] = $2; rows[NR] = $3; measured[NR] = $4 / $5 }
    END {
        bytes = 5.5        # GB of weights that a step reads in q8
        operations = 11    # billion for each row
        # Unknown are operations a second of a core and what share of the bandwidth steps reach: those that fit best.
        for (share = 0.5; share <= 1; share += 0.01)
            for (try = 50; try <= 1000; try += 2) {
                rate = try
                reach = share
                sum = 0
                for (i = 1; i <= NR; i++) sum += log(steps(threads[i], bandwidth[i], rows[i]) / measured[i]) ^ 2
                if (best == "" || sum < best) { best = sum; found = try; found_reach = share }
            }
        rate = found
        reach = found_reach
        printf "a core: %d billion operations a second; steps reach %d %% of the bandwidth; typical error %.0f %%\n", rate, 100 * reach + 0.5,
            100 * sqrt(best / NR) >"/dev/stderr"
        for (i = 1; i <= NR; i++)
            printf "%d cores, %.1f GB/s, %d rows: %.2f steps a second, by the model %.2f\n", threads[i], bandwidth[i], rows[i], measured[i],
                steps(threads[i], bandwidth[i], rows[i]) >"/dev/stderr"
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 370\" font-family=\"sans-serif\" font-size=\"13\">"
        print "<rect width=\"780\" height=\"370\" fill=\"white\"/>"
        for (codes = 1; codes <= 1024; codes *= 4) {
            print "<line x1=\"60\" x2=\"600\" y1=\"" y(codes) "\" y2=\"" y(codes) "\" stroke=\"#dddddd\"/>"
            print "<text x=\"52\" y=\"" y(codes) + 4 "\" text-anchor=\"end\" fill=\"#444444\">" codes "</text>"
        }
        for (cores = 1; cores <= 64; cores *= 2) print "<text x=\"" x(cores) "\" y=\"348\" text-anchor=\"middle\" fill=\"#444444\">" cores "</text>"
        word(60, 20, "#444444", "codes a second by the number of cores: full-size trunk, q8")
        curve(30, 1, "#1f77b4", 0); curve(100, 1, "#2ca02c", 0); curve(300, 1, "#d62728", 0)
        curve(30, 16, "#1f77b4", 1); curve(100, 16, "#2ca02c", 1); curve(300, 16, "#d62728", 1)
        for (i = 1; i <= NR; i++)
            if (rows[i] == 1 || rows[i] == 16)
                printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"none\" stroke=\"#000000\"/>\n", x(threads[i]), y(rows[i] * measured[i])
        word(608, 20, "#444444", "circles: measured")
        print "</svg>"
    }' >"$root/docs/cores.svg"
