#!/usr/bin/env python3
"""Training steps of the trunk's network in PyTorch, for tests/bench/train_speed.sh: tokens a second.

    torch_train.py THREADS STEPS BATCH TEXT PLACES LAYERS HIDDEN HEADS MLP VOCABULARY CODES

The network is the one of src/model/cogvideo without its second channel: sandwich layer norm, tanh GELU, the head tied to the first
rows of the embedding, cross-entropy on the places of the frame, clipping and AdamW in each step.
"""
import sys
import time

import torch
import torch.nn.functional as F

threads, steps, batch, text, places, layers, hidden, heads, mlp, vocabulary, codes = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(hidden) for _ in range(4))
        self.qkv = torch.nn.Linear(hidden, 3 * hidden)
        self.dense = torch.nn.Linear(hidden, hidden)
        self.mlp_in = torch.nn.Linear(hidden, mlp)
        self.mlp_out = torch.nn.Linear(mlp, hidden)

    def forward(self, x, mask):
        b, n, c = x.shape
        q, k, v = self.qkv(self.norms[0](x)).view(b, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (c // heads) ** -0.5 + mask
        context = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c)
        x = x + self.norms[2](self.dense(context))
        inner = self.mlp_out(F.gelu(self.mlp_in(self.norms[1](x)), approximate="tanh"))
        return x + self.norms[3](inner)


class Trunk(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(vocabulary, hidden)
        self.positions = torch.nn.Embedding(text + places, hidden)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(layers))
        self.norm = torch.nn.LayerNorm(hidden)

    def forward(self, ids, mask):
        x = self.words(ids) + self.positions.weight
        for layer in self.layers:
            x = layer(x, mask)
        return F.linear(self.norm(x[:, text:]), self.words.weight[:codes])


n = text + places
sees = torch.ones(n, n).tril()
sees[:text, :text] = 1  # text sees all text
mask = torch.zeros(n, n).masked_fill(sees == 0, -1e4)
trunk = Trunk()
optimizer = torch.optim.AdamW(trunk.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.05)
started = 0.0
for step in range(steps + 2):
    if step == 2:  # the first two warm up
        started = time.perf_counter()
    ids = torch.randint(0, codes, (batch, n))
    loss = F.cross_entropy(trunk(ids, mask).flatten(0, 1), torch.randint(0, codes, (batch * places,)))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trunk.parameters(), 1.0)
    optimizer.step()
print(f"PyTorch {torch.__version__}, {threads} threads: {steps * batch * places / (time.perf_counter() - started):.0f} tokens a second")
