"use strict";
// What the page has drawn is told on <body>: data-state is "ready", or the error that stopped it.
window.addEventListener("error", event => { document.body.dataset.state = "error: " + event.message; });

(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const { height, width, frames, attention } = data, places = height * width;
    const MEAN = -1; // of the layers
    const roomForNumbers = width <= 12;
    const chosen = { frame: Math.min(1, frames.length - 1), place: (height >> 1) * width + (width >> 1), layer: MEAN };
    const byId = id => document.getElementById(id);

    // Files have a say in texts only: they become text nodes, never markup.
    function make(tag, attributes, ...children) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes || {}))
            if (value !== undefined && value !== false) element.setAttribute(name, value);
        element.append(...children.filter(child => child !== null));
        return element;
    }

    const fill = (id, ...children) => byId(id).replaceChildren(...children);
    const percent = (share, digits = 0) => (100 * share).toFixed(digits) + " %";
    const number = (value, digits) => value === null ? "none" : value.toFixed(digits);
    const where = place => `row ${Math.floor(place / width)}, column ${place % width}`;
    const sum = values => values.reduce((all, value) => all + value, 0);
    const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
    const probability = (frame, place) => Math.exp(frame.logprob[place] ?? -Infinity);
    const changed = (index, place) => index > 0 && frames[index].codes[place] !== frames[index - 1].codes[place];
    const cluster = code => data.clusters.length > code ? data.clusters[code] : null;

    function stepName(step) {
        if (step.stage === 0) return "the model, each code hidden in turn";
        const apart = step.every === 1 ? "all frames" : `every ${step.every} frames`;
        return step.stage === 1 ? `stage 1, key frames (${apart})` : `stage 2, interpolation (${apart})`;
    }

    // The text that a frame was predicted under.
    function textOf(index) {
        const step = data.steps[frames[index].step];
        return index === 0 && step.first_text.length ? step.first_text : step.text;
    }

    /* --- maps ------------------------------------------------------------------------------------------ */

    // The cells of a frame; cell(place) gives { v: 0 .. 1, text, title, picked }.
    function raster(kind, picture, cell) {
        const cells = make("div", { class: "cells" });
        for (let place = 0; place < places; place++) {
            const { v, text = "", title, picked = place === chosen.place } = cell(place);
            cells.append(make("b", { "data-place": place, title, style: v === undefined ? undefined : `--v:${v.toFixed(3)}`,
                class: `${picked ? "chosen" : ""} ${v > .6 ? "hot" : ""}` }, text));
        }
        return make("div", { class: `raster ${kind}` }, picture ? make("img", { src: picture, alt: "" }) : null, cells);
    }

    const scale = (kind, ...marks) => make("div", { class: `legend ${kind}` }, marks[0], make("span", { class: "scale" }),
        ...marks.slice(1).map(mark => make("span", {}, mark)));

    function panel(title, map, legend) {
        map.tabIndex = 0;
        map.setAttribute("role", "application");
        map.setAttribute("aria-label", `${title}: arrow keys choose a place`);
        map.dataset.map = title;
        return make("div", {}, make("h3", {}, title), map, legend);
    }

    /* --- frames ---------------------------------------------------------------------------------------- */

    function drawStrip() {
        fill("strip", ...frames.map((frame, index) => {
            const mean = frame.given ? 0 : (frame.logprob ? sum(frame.codes.map((_, place) => probability(frame, place))) : sum(frame.confidence ?? [])) / places;
            return make("div", { class: "shot", role: "option", id: `shot-${index}`, "data-frame": index,
                title: `frame ${index}, ${frame.time} s` + (frame.logprob ? `: mean probability ${mean.toFixed(3)}, ${stepName(data.steps[frame.step])}` : "") },
                make("div", { class: "raster" }, frame.picture ? make("img", { src: frame.picture, alt: "" }) : null),
                make("div", { class: "bar" }, make("i", { style: `width:${(100 * mean).toFixed(1)}%` })), String(index));
        }));
    }

    const highestEntropy = Math.max(1e-9, ...frames.map(frame => Math.max(0, ...(frame.entropy || []))));

    const lastStep = Math.max(1, ...frames.map(frame => Math.max(0, ...(frame.settled || []))));

    // Of codes that were drawn in steps: when, and how surely.
    function drawnPanels(frame) {
        const panels = [], given = place => frame.settled?.[place] === -1;
        if (frame.settled)
            panels.push(panel("Settled", raster("weights", null, place => ({ v: given(place) ? 0 : 1 - frame.settled[place] / (lastStep + 1),
                text: roomForNumbers && !given(place) ? frame.settled[place] : "",
                title: `${where(place)}: ${given(place) ? "given" : "step " + frame.settled[place]}` })),
                scale("weights", `step ${lastStep}`, "step 0", "(empty: given)")));
        if (frame.confidence)
            panels.push(panel("Confidence", raster("probability", null, place => ({ v: frame.confidence[place],
                text: roomForNumbers ? Math.round(100 * frame.confidence[place]) : "", title: `${where(place)}: ${frame.confidence[place].toFixed(3)}` })),
                scale("probability", "0", "1", "when it was drawn")));
        return panels;
    }

    function predictedBy(frame) {
        const scene = frame.scene === undefined ? "" : `scene ${frame.scene}, `;
        if (frame.given) return scene + "taken over from what was shown before it";
        return scene + (frame.logprob ? `predicted by ${stepName(data.steps[frame.step])}` : "not predicted by this stage");
    }

    function drawFrame() {
        const index = chosen.frame, frame = frames[index], scored = frame.logprob !== undefined;
        const panels = [
            panel("Picture", raster("plain", frame.picture, place => ({ title: where(place) })),
                make("div", { class: "legend" }, frame.picture ? "decoded from the codes" : frame.given ? "not shown again" :
                    "the model has no tokenizer of pictures")),
            panel("Codes", raster("codes", null, place => ({ v: changed(index, place) ? .6 : 0, title: `${where(place)}: ${frame.codes[place]}`,
                text: roomForNumbers ? frame.codes[place] : "" })),
                index > 0 ? make("div", { class: "legend codes" }, make("span", { class: "key" }),
                    `changed since frame ${index - 1}: ${frame.changed} of ${places}`) : make("div", { class: "legend" }, "no frame before this")),
        ];
        if (scored)
            panels.push(
                panel("Probability", raster("probability", null, place => {
                    const p = probability(frame, place);
                    return { v: p, text: roomForNumbers ? Math.round(100 * p) : "", title: `${where(place)}: ${p.toFixed(4)}` };
                }), scale("probability", "0", "1", roomForNumbers ? "(numbers: %)" : "")));
        if (frame.entropy)
            panels.push(
                panel("Entropy", raster("entropy", null, place => ({ v: (frame.entropy[place] ?? 0) / highestEntropy,
                    text: roomForNumbers ? number(frame.entropy[place], 1) : "", title: `${where(place)}: ${number(frame.entropy[place], 4)} nats` })),
                    scale("entropy", "0", `${highestEntropy.toFixed(2)} nats`, `(of at most ${Math.log(data.model.image_codes).toFixed(2)})`)));
        panels.push(...drawnPanels(frame));
        fill("panels", ...panels);
        byId("frame-title").textContent = `Frame ${index} at ${frame.time} s: ${predictedBy(frame)}`;
        for (const shot of byId("strip").children) shot.setAttribute("aria-selected", shot.dataset.frame === String(index));
        byId("strip").setAttribute("aria-activedescendant", `shot-${index}`);
    }

    function drawPlace() {
        const index = chosen.frame, frame = frames[index], place = chosen.place, code = frame.codes[place];
        const facts = [["place", where(place)], ["code", code]];
        if (cluster(code) !== null) facts.push(["cluster", cluster(code)]);
        if (frame.settled) facts.push(["settled", frame.settled[place] < 0 ? "given" : `in step ${frame.settled[place]}`]);
        if (frame.confidence) facts.push(["confidence", frame.confidence[place].toFixed(3)]);
        if (frame.logprob)
            facts.push(["probability", probability(frame, place).toFixed(4)], ["log-probability", number(frame.logprob[place], 4) + " nats"]);
        if (frame.entropy)
            facts.push(["entropy", number(frame.entropy[place], 4) + " nats"],
                ["likeliest code", frame.likeliest[place] === code ? `${code}, this one` : frame.likeliest[place]]);
        if (index > 0) facts.push([`in frame ${index - 1}`, changed(index, place) ? frames[index - 1].codes[place] : "the same"]);
        fill("place", ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
    }

    /* --- attention ------------------------------------------------------------------------------------- */

    const keptRows = Math.ceil(height / (attention.every || 1)), keptColumns = Math.ceil(width / (attention.every || 1));
    let decoded = { frame: -1 };

    // A byte is sqrt(weight) * 255; a zero byte is followed by the number of zeros that it stands for.
    function decode(text, length) {
        const bytes = atob(text), out = new Float32Array(length);
        for (let i = 0, at = 0; i < bytes.length; i++) {
            const byte = bytes.charCodeAt(i);
            if (byte === 0) at += bytes.charCodeAt(++i);
            else out[at++] = (byte / 255) ** 2;
        }
        return out;
    }

    // The weights of a frame by [layer][channel], decoded when the frame is first looked at.
    function weightsOf(kept) {
        if (decoded.frame !== kept.frame)
            decoded = { frame: kept.frame, weights: attention.layers.map((_, n) => [0, 1].map(channel =>
                kept.count[channel] ? decode(kept.weights[2 * n + channel], keptRows * keptColumns * lengthOf(kept, channel)) : null)) };
        return decoded.weights;
    }

    const lengthOf = (kept, channel) => kept.text + kept.count[channel] * places;

    // What the kept place `at` gives to each text piece and frame in one channel: of one layer, or the mean of all that are kept.
    function look(kept, at, channel, layer) {
        const length = lengthOf(kept, channel), weights = weightsOf(kept);
        const layers = layer === MEAN ? attention.layers.map((_, n) => n) : [layer];
        const mean = new Float32Array(length);
        for (const n of layers)
            for (let i = 0; i < length; i++) mean[i] += weights[n][channel][at * length + i] / layers.length;
        return { text: mean.subarray(0, kept.text), frames: Array.from({ length: kept.count[channel] }, (_, f) => ({
            index: kept.first[channel] + f * kept.every,
            weights: mean.subarray(kept.text + f * places, kept.text + (f + 1) * places) })) };
    }

    // Text, then frames, as parts of one bar.
    function shares(seen) {
        const bar = make("div", { class: "shares" }), text = sum(seen.text);
        bar.append(make("i", { class: "text", style: `width:${100 * text}%`, title: `text: ${percent(text)}` }));
        for (const [f, frame] of seen.frames.entries()) {
            const share = sum(frame.weights);
            bar.append(make("i", { class: frame.index === chosen.frame ? "own" : "", title: `frame ${frame.index}: ${percent(share)}`,
                style: `width:${100 * share}%;--v:${(.35 + .6 * (f + 1) / seen.frames.length).toFixed(2)}` }));
        }
        return bar;
    }

    function drawLayers(kept, at) {
        const rows = [make("span"), make("span", {}, "base channel"), make("span", {}, "second channel")];
        for (const n of [MEAN, ...attention.layers.keys()]) {
            const input = make("input", { type: "radio", name: "layer", value: n });
            input.checked = n === chosen.layer;
            rows.push(make("label", {}, input, n === MEAN ? "mean" : `layer ${attention.layers[n]}`), shares(look(kept, at, 0, n)),
                kept.count[1] ? shares(look(kept, at, 1, n)) : make("span", { class: "legend" }, "off"));
        }
        fill("layers", ...rows);
        byId("layers").append(make("p", { class: "note", style: "grid-column: 1 / -1" },
            "Each bar is all attention of the place: orange on text, violet on frames from early to late, its own underlined."));
    }

    function drawChannel(title, what, seen, place) {
        const most = Math.max(1e-9, ...seen.text, ...seen.frames.flatMap(frame => [...frame.weights]));
        const shade = weight => Math.sqrt(weight / most);
        const pieces = textOf(chosen.frame);
        const chips = [...seen.text].map((weight, t) => make("span", { style: `--v:${shade(weight).toFixed(3)}`, class: shade(weight) > .6 ? "hot" : "",
            title: pieces[t] ? `id ${pieces[t].id}` : "" }, pieces[t]?.piece ?? "?", " ", make("small", {}, percent(weight, 1))));
        const figures = seen.frames.map(frame => make("figure", { class: frame.index === chosen.frame ? "own" : "" },
            make("figcaption", {}, `frame ${frame.index}: ${percent(sum(frame.weights), 1)}`),
            frames[frame.index].picture ? make("div", { class: "raster" }, make("img", { src: frames[frame.index].picture, alt: "" })) : null,
            raster("weights", null, at => ({ v: shade(frame.weights[at]), title: `${where(at)}: ${percent(frame.weights[at], 2)}`,
                picked: frame.index === chosen.frame && at === place }))));
        return make("div", { class: "channel" }, make("h3", {}, `${title}: ${percent(sum(seen.text))} on text, ${what}`),
            make("div", { class: "chips" }, ...chips), make("div", { class: "seen" }, ...figures),
            scale("weights", "0", percent(most, 1), "(middle: a quarter of it)"));
    }

    function drawAttention() {
        const kept = attention.frames.find(frame => frame.frame === chosen.frame);
        const every = attention.every;
        const notes = [];
        byId("attention-body").hidden = !kept;
        byId("attention-body").style.display = kept ? "" : "none";
        if (attention.layers.length < data.model.layers)
            notes.push(`Of ${data.model.layers} layers the page holds ${attention.layers.join(", ")}.`);
        if (every > 1) notes.push(`It holds the places of every ${every} rows and columns.`);
        if (!kept) {
            byId("attention-note").textContent = [attention.frames.length ? `The page holds no attention of this frame, but of ` +
                `${attention.frames.map(frame => frame.frame).join(", ")}.` : "The page holds no attention.", ...notes].join(" ");
            return;
        }
        const row = Math.floor(chosen.place / width / every), column = Math.floor(chosen.place % width / every);
        const place = row * every * width + column * every, at = row * keptColumns + column;
        if (place !== chosen.place) notes.push(`Shown is the nearest: ${where(place)}.`);
        byId("attention-note").textContent = ["Means over the heads, as the code of the place is predicted. A weight on a place is one on the input " +
            "there, which is the code one place before; what the place cannot see weighs 0.", ...notes].join(" ");
        drawLayers(kept, at);
        const base = look(kept, at, 0, chosen.layer);
        const channels = [drawChannel("Base channel", `${percent(sum(base.frames[0].weights))} on its own frame`, base, place)];
        if (kept.count[1])
            channels.push(drawChannel("Second channel", "the rest through time", look(kept, at, 1, chosen.layer), place));
        fill("channels", ...channels);
    }

    /* --- what the clip has in all ---------------------------------------------------------------------- */

    function drawAlpha() {
        const stages = data.steps.filter((step, s) => data.steps.findIndex(other => other.stage === step.stage) === s);
        fill("alpha", ...stages.map(step => make("div", {}, make("h3", {}, `Stage ${step.stage}`), make("div", { class: "rows" },
            ...step.alpha.flatMap(([least, low, middle, high, most], layer) => [
                make("span", {}, `layer ${layer}`),
                make("div", { class: "range", title: `${least} to ${most}, tenths ${low} and ${high}, middle ${middle}` },
                    make("i", { style: `left:${100 * least}%;width:${100 * (most - least)}%` }),
                    make("i", { style: `left:${100 * low}%;width:${100 * (high - low)}%` }),
                    make("i", { style: `left:${100 * middle}%` })),
                make("span", {}, middle.toFixed(2))]),
            make("span"), make("div", { class: "ends" }, make("span", {}, "0: second channel"), make("span", {}, "base channel: 1"))))));
    }

    function countBy(key) {
        const counts = new Map();
        for (const frame of frames)
            for (const code of frame.codes) counts.set(key(code), (counts.get(key(code)) || 0) + 1);
        return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    }

    function bars(counts, noun, of) {
        const most = counts[0][1], all = frames.length * places, shown = counts.slice(0, 250);
        return make("div", {}, make("h3", {}, `${plural(counts.length, `different ${noun}`)} of ${of}, the most used first` +
            (shown.length < counts.length ? ` (${shown.length} of them)` : "")),
            make("div", { class: "bars" }, ...shown.map(([key, count]) => make("i", { style: `height:${100 * count / most}%`,
                title: `${noun} ${key}: ${count} times, ${percent(count / all, 1)}` }))),
            make("p", { class: "note" }, `In ${all} places. ` + counts.slice(0, 8).map(([key, count]) => `${noun} ${key}: ${percent(count / all, 1)}`).join(", ") + "."));
    }

    function drawUsage() {
        const charts = [bars(countBy(code => code), "code", data.model.image_codes)];
        if (data.clusters.length)
            charts.push(bars(countBy(code => cluster(code) ?? -1), "cluster", new Set(data.clusters).size));
        else
            charts.push(make("p", { class: "note" }, "This model samples without clusters of codes."));
        fill("usage", ...charts);
    }

    function drawTexts() {
        const list = (title, text) => text.length ? make("div", {}, make("h3", {}, title), make("ol", {},
            ...text.map(({ id, piece }) => make("li", {}, piece ?? "?", make("small", {}, String(id)))))) : null;
        fill("texts", ...data.steps.flatMap(step => [list("first frame", step.first_text), list(stepName(step), step.text)]).filter(Boolean));
    }

    function drawHead() {
        const told = data.header?.scenes?.map(scene => scene.prompt).filter(Boolean).join(" / ");
        const title = data.prompt ?? (told || "A clip without a prompt"), model = data.model;
        byId("text").hidden = !data.steps.some(step => step.text.length || step.first_text.length);
        byId("attention").hidden = byId("mix").hidden = !data.steps.some(step => step.alpha.length);
        document.body.style.setProperty("--height", height);
        document.body.style.setProperty("--width", width);
        document.title = `Inside a clip: ${title}`;
        byId("prompt").textContent = title;
        byId("facts").textContent = `${plural(frames.length, "frame")} of ${width}×${height} codes, seen by the model ${model.name}: ${model.layers} layers of ` +
            `${model.hidden} features and ${model.heads} heads, ${model.image_codes} codes, weights in ${model.dtype}. Made by cogvideo ${data.version}.`;
        byId("made").textContent = data.header ? JSON.stringify(data.header, null, 1) : "The file does not tell.";
    }

    /* --- choosing -------------------------------------------------------------------------------------- */

    function choose(frame, place) {
        const focused = document.activeElement?.dataset.map;
        const other = frame !== chosen.frame;
        chosen.frame = Math.max(0, Math.min(frames.length - 1, frame));
        chosen.place = place;
        drawFrame();
        drawPlace();
        drawAttention();
        if (focused) document.querySelector(`[data-map="${focused}"]`)?.focus({ preventScroll: true });
        else if (other) byId(`shot-${chosen.frame}`).scrollIntoView({ block: "nearest" });
    }

    const frameKeys = { PageUp: -1, PageDown: 1, Home: -Infinity, End: Infinity };

    byId("strip").addEventListener("keydown", event => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ...frameKeys }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        choose(chosen.frame + step, chosen.place);
    });
    byId("strip").addEventListener("click", event => {
        const shot = event.target.closest(".shot");
        if (shot) choose(Number(shot.dataset.frame), chosen.place);
    });
    byId("panels").addEventListener("keydown", event => {
        const row = Math.floor(chosen.place / width), column = chosen.place % width;
        const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
        const inside = (value, size) => Math.max(0, Math.min(size - 1, value));
        if (move) choose(chosen.frame, inside(row + move[0], height) * width + inside(column + move[1], width));
        else if (frameKeys[event.key]) choose(chosen.frame + frameKeys[event.key], chosen.place);
        else return;
        event.preventDefault();
    });
    byId("panels").addEventListener("click", event => {
        const cell = event.target.closest("[data-place]");
        if (!cell) return;
        cell.closest("[data-map]").focus({ preventScroll: true });
        choose(chosen.frame, Number(cell.dataset.place));
    });
    byId("layers").addEventListener("change", event => {
        chosen.layer = Number(event.target.value);
        drawAttention();
        byId("layers").querySelector(":checked").focus({ preventScroll: true });
    });

    drawHead();
    drawStrip();
    drawAlpha();
    drawUsage();
    drawTexts();
    choose(chosen.frame, chosen.place);
    document.body.dataset.frames = frames.length;
    document.body.dataset.state = "ready";
})();
