#!/usr/bin/env python3
"""Networks of Phenaki in PyTorch, for tests/bench/phenaki_speed.sh: as phenaki-pytorch and phenaki-cvivit compute them.

    torch_phenaki.py masked|decode SIZE [THREADS [ROUNDS [FILE]]]

Prints the seconds of the best of the rounds of what phenaki_speed.c measures, with the same weights and inputs. FILE is what that program
gave: the largest difference from it is printed, in parts of the numbers' spread, and one above a thousandth is an error.
"""
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

MASKED = {  # layers, C, H, D, E, V, (T, h, w), text ids
    "shapes": (6, 192, 6, 32, 96, 512, (9, 8, 8), 16),
    "readme": (6, 512, 8, 64, 768, 65536, (6, 8, 8), 16),
    "paper": (4, 2048, 32, 64, 4096, 8192, (6, 16, 16), 16),
    "whole": (24, 2048, 32, 64, 4096, 8192, (6, 16, 16), 16),
}
DECODE = {  # layers each, C, H, D, V, cd, patch (t, h, w), (T, h, w), PEG over space, scrambled over time, causal over time
    "shapes": (2, 96, 4, 24, 512, 12, (4, 8, 8), (9, 8, 8), False, False, True),
    "obvious": (4, 512, 8, 64, 8192, 32, (2, 8, 8), (6, 16, 16), True, True, False),
}
GUIDANCE = 3
MOST = 1e-3


def numbers(count):
    return torch.from_numpy((((np.arange(count, dtype=np.uint64) * np.uint64(2654435761) >> np.uint64(12)) & np.uint64(1023))
                             .astype(np.float32) - 512) / 512)


def matrix(*shape):
    x = numbers(int(np.prod(shape))).view(shape)
    return x / np.sqrt(np.float32(x[0].numel()))


def bias(count):
    return numbers(count) / 8


def gamma(count):
    return 1 + numbers(count) / 8


# --- blocks ----------------------------------------------------------------------------------------------------------------------------


def norm(x, g, b=None):
    return F.layer_norm(x, x.shape[-1:], g, torch.zeros_like(g) if b is None else b)


class Attention:
    def __init__(self, C, H, D, E=0):
        self.H, self.D, self.E = H, D, E
        self.norm, self.q_scale, self.k_scale = gamma(C), gamma(D), gamma(D)
        self.to_q, self.to_kv, self.to_out = matrix(H * D, C), matrix(2 * H * D, E or C), matrix(C, H * D)
        if E:
            self.context_norm, self.null = gamma(E), matrix(H, 4, D)

    def heads(self, x):
        return x.unflatten(-1, (self.H, self.D)).transpose(1, 2)

    def __call__(self, x, text=None, mask=None, bias=None, causal=False):
        source = norm(text, self.context_norm) if self.E else x
        k, v = F.linear(source, self.to_kv).chunk(2, -1)
        q, k, v = self.heads(F.linear(norm(x, self.norm), self.to_q)), self.heads(k), self.heads(v)
        if self.E:
            null = self.null.unflatten(1, (2, 2))
            k = torch.cat((null[None, :, :, 0].expand(len(x), -1, -1, -1), k), 2)
            v = torch.cat((null[None, :, :, 1].expand(len(x), -1, -1, -1), v), 2)
        q, k = F.normalize(q, dim=-1) * self.q_scale, F.normalize(k, dim=-1) * self.k_scale
        score = torch.einsum("bhid,bhjd->bhij", q, k) * 8
        if bias is not None:
            score = score + bias
        if mask is not None:
            score = score.masked_fill(~F.pad(mask, (2, 0), value=True)[:, None, None], -3.4e38)
        if causal:
            score = score.masked_fill(torch.ones(score.shape[-2:], dtype=torch.bool).triu(1), -3.4e38)
        out = torch.einsum("bhij,bhjd->bhid", score.softmax(-1), v)
        return F.linear(out.transpose(1, 2).flatten(2), self.to_out)


class Stack:
    """Blocks over rows [b, n, C]. peg: None, "same" or "causal", the padding in time."""

    def __init__(self, layers, C, H, D, E=0, peg=None):
        self.peg, self.layers, self.out = peg, [], gamma(C)
        for _ in range(layers):
            inner = 8 * C // 3
            self.layers.append({"peg": (matrix(C, 1, 3, 3, 3), bias(C)) if peg else None, "self": Attention(C, H, D),
                                "text": Attention(C, H, D, E) if E else None, "ff": (gamma(C), bias(C), matrix(2 * inner, C),
                                                                                     matrix(C, inner))})

    def add_peg(self, x, weights, box):
        y = x.reshape(box + x.shape[-1:]).movedim(-1, 1)
        y = F.pad(y, (1, 1, 1, 1) + ((2, 0) if self.peg == "causal" else (1, 1)))
        return x + F.conv3d(y, *weights, groups=x.shape[-1]).movedim(1, -1).reshape(x.shape)

    def __call__(self, x, box=None, text=None, mask=None, turn=None, **options):
        """box: (b, T, h, w) as the convolution sees x; turn: to what it sees, and back."""
        for layer in self.layers:
            if layer["peg"]:
                x = turn[1](self.add_peg(turn[0](x), layer["peg"], box)) if turn else self.add_peg(x, layer["peg"], box)
            x = x + layer["self"](x, **options)
            if layer["text"]:
                x = x + layer["text"](x, text, mask)
            g, b, wide, narrow = layer["ff"]
            a, gate = F.linear(norm(x, g, b), wide).chunk(2, -1)
            x = x + F.linear(a * F.gelu(gate), narrow)
        return norm(x, self.out)


class PositionBias:
    def __init__(self, axes, K, H, box):
        self.net = [(matrix(K, axes), bias(K)), (matrix(K, K), bias(K)), (matrix(H, K), bias(H))]
        grid = torch.stack(torch.meshgrid(*(torch.arange(s) for s in box), indexing="ij")).flatten(1).t()
        distance = grid[:, None] - grid[None]
        self.distance = torch.sign(distance) * torch.log(distance.abs() + 1)

    def __call__(self):
        x = self.distance
        for i, (w, b) in enumerate(self.net):
            x = F.linear(x, w, b)
            x = F.leaky_relu(x, 0.1) if i < 2 else x
        return x.permute(2, 0, 1)


# --- networks --------------------------------------------------------------------------------------------------------------------------


class Masked:
    def __init__(self, layers, C, H, D, E, V, box, rows):
        N = int(np.prod(box))
        self.box = (1,) + box
        self.tokens, self.places, self.bias = matrix(V + 1, C), matrix(N, C), PositionBias(3, D, H, box)
        self.stack = Stack(layers, C, H, D, E, "same")
        self.logits, self.logits_bias = matrix(V, C), bias(V)
        i = torch.arange(N)
        self.ids = torch.where(i % 2 == 1, torch.tensor(V), i * 7919 % V)[None]
        self.text, self.mask = numbers(rows * E).view(1, rows, E), torch.ones(1, rows, dtype=torch.bool)

    def under(self, mask):
        x = F.embedding(self.ids, self.tokens) + self.places
        x = self.stack(x, box=self.box, text=self.text, mask=mask, bias=self.bias())
        return F.linear(x, self.logits, self.logits_bias)

    def __call__(self):
        null = self.under(~self.mask)
        return null + GUIDANCE * (self.under(self.mask) - null)


def slopes(H):
    power = 2 ** int(np.log2(H))
    return torch.tensor([2 ** (-8 / power * (i + 1)) for i in range(power)] +
                        [2 ** (-4 / power * (2 * i + 1)) for i in range(H - power)])


class Decode:
    def __init__(self, layers, C, H, D, V, cd, patch, box, peg, scrambled, causal):
        self.C, self.patch, self.box, self.scrambled, self.causal = C, patch, box, scrambled, causal
        self.embed, self.project = matrix(1, V, cd)[0], (matrix(C, cd), bias(C))
        self.space, self.time = Stack(layers, C, H, D, 0, "causal" if peg else None), Stack(layers, C, H, D, 0, "causal")
        self.bias = PositionBias(2, C, H, box[1:])
        pixels = 3 * patch[1] * patch[2]
        self.first, self.others = (matrix(pixels, C), bias(pixels)), (matrix(patch[0] * pixels, C), bias(patch[0] * pixels))
        self.codes = (torch.arange(int(np.prod(box))) * 7919 % V).view(1, *box)
        place = torch.arange(box[0])
        self.alibi = -(place[:, None] - place[None]).abs() * slopes(H)[:, None, None] if causal else None

    def unpatch(self, x, linear, frames):
        y = F.linear(x, *linear)
        b, T, h, w, _ = y.shape
        y = y.view(b, T, h, w, 3, frames, self.patch[1], self.patch[2])
        return y.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(b, 3, T * frames, h * self.patch[1], w * self.patch[2])

    def __call__(self):
        T, h, w = self.box
        x = F.linear(F.embedding(self.codes, self.embed), *self.project)
        x = x.permute(0, 2, 3, 1, 4).reshape(h * w, T, self.C)
        # what the rows are to the convolution: in order of time, or as they lie in memory
        turn = None if self.scrambled else (lambda y: y.view(h, w, T, -1).permute(2, 0, 1, 3).contiguous(),
                                            lambda y: y.permute(1, 2, 0, 3).reshape(h * w, T, -1))
        x = self.time(x, box=(1, T, h, w), turn=turn, bias=self.alibi, causal=self.causal)
        x = x.view(1, h, w, T, self.C).permute(0, 3, 1, 2, 4).reshape(T, h * w, self.C)
        x = self.space(x, box=(1, T, h, w), bias=self.bias()).view(1, T, h, w, self.C)
        return torch.cat((self.unpatch(x[:, :1], self.first, 1), self.unpatch(x[:, 1:], self.others, self.patch[0])), 2)


def main():
    kind, size = sys.argv[1:3]
    threads, rounds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((3, 2), (4, 5)))
    torch.set_num_threads(threads)
    best = float("inf")
    with torch.inference_mode():
        network = Masked(*MASKED[size]) if kind == "masked" else Decode(*DECODE[size])
        for turn in range(rounds + 1):
            start = time.perf_counter()
            out = network()
            if turn > 0:  # the first one meets its memory for the first time
                best = min(best, time.perf_counter() - start)
    print("%.4f s, %s %s on %d threads, PyTorch %s" % (best, kind, size, threads, torch.__version__))
    if len(sys.argv) > 5:
        ours = torch.from_numpy(np.fromfile(sys.argv[5], np.float32)).view(out.shape)
        difference = float((ours - out).abs().max() / out.std())
        print("  the largest difference is %.1e of the spread" % difference)
        if not difference < MOST:
            sys.exit("torch_phenaki: %s %s differs" % (kind, size))


main()
