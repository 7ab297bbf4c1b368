"""torch_masked.py SIZE [THREADS [ROUNDS]]: what masked_speed measures, in PyTorch: a guided step of the masked
transformer of Phenaki as phenaki-pytorch computes it, one pass under the text and one under none."""
import sys
import time

import torch
from torch.nn import functional as F

SIZES = {  # layers, C, H, D, E, V, (T, h, w), text ids
    "shapes": (6, 192, 6, 32, 96, 512, (9, 8, 8), 16),
    "readme": (6, 512, 8, 64, 768, 65536, (6, 8, 8), 16),
    "paper": (1, 2048, 32, 64, 4096, 8192, (6, 16, 16), 16),
}


class Network:
    def __init__(self, layers, C, H, D, E, V, box, rows):
        def r(*shape):
            return torch.randn(*shape) / shape[-1] ** 0.5

        m = 8 * C // 3
        self.H, self.D, self.box = H, D, box
        N = box[0] * box[1] * box[2]
        self.tokens, self.places = r(V + 1, C), r(N, C)
        self.net = [(r(D, 3), r(D)), (r(D, D), r(D)), (r(H, D), r(H))]
        self.logits, self.bias = r(V, C), r(V)
        self.layers = []
        for _ in range(layers):
            layer = dict(conv=r(C, 1, 3, 3, 3), conv_b=r(C), n=torch.ones(5, C), ff_b=r(C), ne=torch.ones(E))
            layer["self"] = (r(H * D, C), r(2 * H * D, C), r(C, H * D), torch.ones(D), torch.ones(D))
            layer["text"] = (r(H * D, C), r(2 * H * D, E), r(C, H * D), torch.ones(D), torch.ones(D))
            layer["null"] = r(H, 4, D)
            layer["ff"] = (r(2 * m, C), r(C, m))
            self.layers.append(layer)
        self.out = torch.ones(C)
        grid = torch.stack(torch.meshgrid(*(torch.arange(s) for s in box), indexing="ij")).flatten(1).t()
        distance = grid[:, None] - grid[None]
        self.distance = torch.sign(distance) * torch.log(distance.abs() + 1)

    def position_bias(self):
        x = self.distance
        for i, (w, b) in enumerate(self.net):
            x = F.linear(x, w, b)
            x = F.leaky_relu(x, 0.1) if i < 2 else x
        return x.permute(2, 0, 1)

    def norm(self, x, g, b=None):
        return F.layer_norm(x, x.shape[-1:], g, b if b is not None else torch.zeros_like(g))

    def attention(self, x, source, weights, g, null=None, bias=None, mask=None):
        def heads(t):
            return t.unflatten(-1, (self.H, self.D)).transpose(1, 2)

        to_q, to_kv, to_out, q_scale, k_scale = weights
        k, v = F.linear(source, to_kv).chunk(2, -1)
        q, k, v = heads(F.linear(self.norm(x, g), to_q)), heads(k), heads(v)
        if null is not None:
            nk, nv = null.unflatten(1, (2, 2)).unbind(2)
            k, v = torch.cat((nk[None], k), 2), torch.cat((nv[None], v), 2)
        q, k = F.normalize(q, dim=-1) * q_scale, F.normalize(k, dim=-1) * k_scale
        score = torch.einsum("bhid,bhjd->bhij", q, k) * 8
        if bias is not None:
            score = score + bias
        if mask is not None:
            score = score.masked_fill(~F.pad(mask, (2, 0), value=True)[:, None, None], -3.4e38)
        out = torch.einsum("bhij,bhjd->bhid", score.softmax(-1), v)
        return F.linear(out.transpose(1, 2).flatten(2), to_out)

    def __call__(self, ids, text, mask):
        x = F.embedding(ids, self.tokens) + self.places
        bias = self.position_bias()
        for p in self.layers:
            y = x.transpose(1, 2).unflatten(2, self.box)
            y = F.conv3d(F.pad(y, (1, 1, 1, 1, 1, 1)), p["conv"], p["conv_b"], groups=x.shape[-1])
            x = x + y.flatten(2).transpose(1, 2)
            x = x + self.attention(x, x, p["self"], p["n"][0], bias=bias)
            x = x + self.attention(x, self.norm(text, p["ne"]), p["text"], p["n"][1], p["null"], mask=mask)
            a, g = F.linear(self.norm(x, p["n"][2], p["ff_b"]), p["ff"][0]).chunk(2, -1)
            x = x + F.linear(a * F.gelu(g), p["ff"][1])
        return F.linear(self.norm(x, self.out), self.logits, self.bias)


def main():
    name = sys.argv[1]
    threads, rounds = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((2, 2), (3, 5)))
    torch.set_num_threads(threads)
    layers, C, H, D, E, V, box, rows = SIZES[name]
    best = float("inf")
    with torch.inference_mode():
        network = Network(*SIZES[name])
        ids = torch.zeros(1, box[0] * box[1] * box[2], dtype=torch.long)
        text, mask = torch.rand(1, rows, E), torch.ones(1, rows, dtype=torch.bool)
        for _ in range(rounds):
            start = time.perf_counter()
            null = network(ids, text, ~mask)
            null + 3 * (network(ids, text, mask) - null)
            best = min(best, time.perf_counter() - start)
    print(f"{name}: {best:.4f} s a guided step on {threads} threads in PyTorch {torch.__version__}")


main()
