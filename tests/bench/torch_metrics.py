#!/usr/bin/env python3
"""The published networks of metrics in PyTorch, for tests/bench/metrics_speed.sh.

    torch_metrics.py weights CLIPS WEIGHTS                  random weights of full size, in the files that the networks are published in
    torch_metrics.py compare CLIPS WEIGHTS FEATURES         features of the clips beside those of `cogvideo evaluate`; fails if they differ
    torch_metrics.py time WEIGHTS NETWORK THREADS [ROUNDS]  seconds of a network alone, for a clip or a frame

CLIPS is a folder of folders of PPM pictures. The networks are I3D (FVD), C3D (Inception Score of videos), Inception-v3 of 2015 (FID) and
CLIP B/32, each as its authors have it: norms are not folded, frames are resized as their own code does it.
"""
import collections
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

NETWORKS = ("i3d", "c3d", "inception", "clip")
FRAMES = 16  # of a clip, or at once through a network that reads frames
MOST = 1e-3  # features may differ by so much of what clips differ by
FILES = {"i3d": "i3d_pretrained_400.pt", "c3d": "conv3d_deepnetA_ucf.npz", "inception": "pt_inception-2015-12-05-6726825d.pth",
         "clip": "open_clip_pytorch_model.bin"}


# --- I3D, by the names of TATS ---------------------------------------------------------------------------------------------------------


def same(x, kernel, stride):
    """Zeros around the last axes of x, as TensorFlow's SAME padding has them."""
    pads = []
    for size, k, s in zip(x.shape[2:], kernel, stride):
        p = max(k - (size % s or s), 0)
        pads = [p // 2, p - p // 2] + pads
    return F.pad(x, pads)


class Unit3d(torch.nn.Module):
    def __init__(self, fan_in, out, kernel=(1, 1, 1), stride=(1, 1, 1)):
        super().__init__()
        self.conv3d = torch.nn.Conv3d(fan_in, out, kernel, stride, bias=False)
        self.bn = torch.nn.BatchNorm3d(out, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv3d(same(x, self.conv3d.kernel_size, self.conv3d.stride))))


class Pool3d(torch.nn.Module):
    def __init__(self, kernel, stride):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        return F.max_pool3d(same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed3d(torch.nn.Module):
    def __init__(self, fan_in, w):
        super().__init__()
        cube = (3, 3, 3)
        self.b0 = Unit3d(fan_in, w[0])
        self.b1a, self.b1b = Unit3d(fan_in, w[1]), Unit3d(w[1], w[2], cube)
        self.b2a, self.b2b = Unit3d(fan_in, w[3]), Unit3d(w[3], w[4], cube)
        self.b3a, self.b3b = Pool3d(cube, (1, 1, 1)), Unit3d(fan_in, w[5])

    def forward(self, x):
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class I3d(torch.nn.Module):
    MIXED = {"3b": (64, 96, 128, 16, 32, 32), "3c": (128, 128, 192, 32, 96, 64), "4b": (192, 96, 208, 16, 48, 64),
             "4c": (160, 112, 224, 24, 64, 64), "4d": (128, 128, 256, 24, 64, 64), "4e": (112, 144, 288, 32, 64, 64),
             "4f": (256, 160, 320, 32, 128, 128), "5b": (256, 160, 320, 32, 128, 128), "5c": (384, 192, 384, 48, 128, 128)}
    side, batch = 224, 1

    def __init__(self):
        super().__init__()
        flat = (1, 3, 3), (1, 2, 2)
        blocks = [("Conv3d_1a_7x7", Unit3d(3, 64, (7, 7, 7), (2, 2, 2))), ("pool_2a", Pool3d(*flat)), ("Conv3d_2b_1x1", Unit3d(64, 64)),
                  ("Conv3d_2c_3x3", Unit3d(64, 192, (3, 3, 3))), ("pool_3a", Pool3d(*flat))]
        fan_in = 192
        for name, w in self.MIXED.items():
            if name == "4b":
                blocks.append(("pool_4a", Pool3d((3, 3, 3), (2, 2, 2))))
            if name == "5b":
                blocks.append(("pool_5a", Pool3d((2, 2, 2), (2, 2, 2))))
            blocks.append(("Mixed_" + name, Mixed3d(fan_in, w)))
            fan_in = w[0] + w[2] + w[4] + w[5]
        self.blocks = [name for name, _ in blocks]
        for name, block in blocks:
            self.add_module(name, block)
        self.logits = torch.nn.Module()
        self.logits.conv3d = torch.nn.Conv3d(fan_in, 400, 1)

    def fit(self, frames):
        return tf1(frames, self.side)

    def forward(self, pixels):  # [B, T, 3, side, side], 0 .. 255
        x = (2 * pixels / 255 - 1).transpose(1, 2)
        for name in self.blocks:
            x = self._modules[name](x)
        return self.logits.conv3d(F.avg_pool3d(x, (2, 7, 7), 1)).mean(dim=(2, 3, 4)), None


# --- C3D, by the names of tgan2 --------------------------------------------------------------------------------------------------------


class C3d(torch.nn.Module):
    LAYERS = {"conv1a": 64, "conv2a": 128, "conv3a": 256, "conv3b": 256, "conv4a": 512, "conv4b": 512, "conv5a": 512, "conv5b": 512}
    side, batch = 112, 1

    def __init__(self):
        super().__init__()
        fan_in = 3
        for name, out in self.LAYERS.items():
            self.add_module(name, torch.nn.Conv3d(fan_in, out, 3, padding=1))
            fan_in = out
        self.fc6, self.fc7, self.fc8 = torch.nn.Linear(8192, 4096), torch.nn.Linear(4096, 4096), torch.nn.Linear(4096, 101)
        self.register_buffer("mean", torch.zeros(3, FRAMES, 128, 171))

    def fit(self, frames):
        return align_corners(frames, self.side)

    def forward(self, pixels):
        x = pixels.transpose(1, 2).flip(1) - self.mean[:, :, 8:120, 8:120]
        for name in self.LAYERS:
            x = F.relu(self._modules[name](x))
            if name not in ("conv3a", "conv4a", "conv5a"):
                window = (1, 2, 2) if name == "conv1a" else 2
                x = F.max_pool3d(x, window, window, ceil_mode=True)
        x = F.relu(self.fc7(F.relu(self.fc6(x.flatten(1)))))
        return x, self.fc8(x).softmax(1)


# --- Inception-v3 of 2015, by the names of pytorch-fid ---------------------------------------------------------------------------------


class Unit2d(torch.nn.Module):
    def __init__(self, fan_in, out, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = torch.nn.Conv2d(fan_in, out, kernel, stride, padding, bias=False)
        self.bn = torch.nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def mean_pool(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def wide_max(x):
    return F.max_pool2d(x, 3, 1, 1)


def halving_max(x):
    return F.max_pool2d(x, 3, 2)


class Mixed2d(torch.nn.Module):
    """Chains of units side by side. A chain is a list of (name, width, kernel, stride); a kernel that is larger than 1 is padded unless it
    strides. The last step may be a list of two units, both on what comes before. `pool` enters the last chain, which may be empty."""

    def __init__(self, fan_in, pool, *chains):
        super().__init__()
        self.pool, self.chains, self.width = pool, [], 0
        for chain in chains:
            names, width = [], fan_in
            for step in chain:
                forks = step if isinstance(step, list) else [step]
                for name, out, kernel, stride in forks:
                    padding = 0 if stride > 1 else tuple(k // 2 for k in kernel)
                    self.add_module(name, Unit2d(width, out, kernel, stride, padding))
                names.append([fork[0] for fork in forks])
                width = sum(fork[1] for fork in forks)
            self.chains.append(names)
            self.width += width

    def forward(self, x):
        outs = []
        for i, chain in enumerate(self.chains):
            y = self.pool(x) if i == len(self.chains) - 1 else x
            for names in chain:
                y = torch.cat([self._modules[name](y) for name in names], 1) if len(names) > 1 else self._modules[names[0]](y)
            outs.append(y)
        return torch.cat(outs, 1)


def chain(branch, *steps):
    """Units branch_1, branch_2 ..; of one step the branch's own name. A step is (width, rows, columns[, stride])."""
    return [("branch%s%s" % (branch, "_%d" % (i + 1) if len(steps) > 1 else ""), s[0], s[1:3], s[3] if len(s) > 3 else 1)
            for i, s in enumerate(steps)]


def mixed_5(fan_in, pooled):
    return Mixed2d(fan_in, mean_pool, chain("1x1", (64, 1, 1)), chain("5x5", (48, 1, 1), (64, 5, 5)),
                   chain("3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3)), chain("_pool", (pooled, 1, 1)))


def mixed_6(fan_in, c):
    return Mixed2d(fan_in, mean_pool, chain("1x1", (192, 1, 1)), chain("7x7", (c, 1, 1), (c, 1, 7), (192, 7, 1)),
                   chain("7x7dbl", (c, 1, 1), (c, 7, 1), (c, 1, 7), (c, 7, 1), (192, 1, 7)), chain("_pool", (192, 1, 1)))


def mixed_7(fan_in, pool):
    def fork(name):
        return [(name + "a", 384, (1, 3), 1), (name + "b", 384, (3, 1), 1)]

    return Mixed2d(fan_in, pool, chain("1x1", (320, 1, 1)), [("branch3x3_1", 384, (1, 1), 1), fork("branch3x3_2")],
                   chain("3x3dbl", (448, 1, 1), (384, 3, 3)) + [fork("branch3x3dbl_3")], chain("_pool", (192, 1, 1)))


class Inception(torch.nn.Module):
    side, batch = 299, FRAMES

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Unit2d(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Unit2d(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit2d(32, 64, 3, 1, 1)
        self.Conv2d_3b_1x1 = Unit2d(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit2d(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = mixed_5(192, 32), mixed_5(256, 64), mixed_5(288, 64)
        self.Mixed_6a = Mixed2d(288, halving_max, chain("3x3", (384, 3, 3, 2)),
                                chain("3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3, 2)), [])
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (mixed_6(768, c) for c in (128, 160, 160, 192))
        self.Mixed_7a = Mixed2d(768, halving_max, chain("3x3", (192, 1, 1), (320, 3, 3, 2)),
                                chain("7x7x3", (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, 2)), [])
        self.Mixed_7b, self.Mixed_7c = mixed_7(1280, mean_pool), mixed_7(2048, wide_max)
        self.fc = torch.nn.Linear(2048, 1008)

    def fit(self, frames):
        return tf1(frames, self.side)

    def forward(self, pixels):  # [B, 3, side, side]
        x = (pixels - 128) / 128
        for name, block in self.named_children():
            if name == "fc":
                continue
            if name in ("Conv2d_3b_1x1", "Mixed_5b"):
                x = halving_max(x)
            x = block(x)
        x = x.mean((2, 3))
        return x, F.linear(x, self.fc.weight).softmax(1)


# --- CLIP, by the names of OpenAI ------------------------------------------------------------------------------------------------------


class Attention(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.in_proj_weight = torch.nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias = torch.nn.Parameter(torch.zeros(3 * width))
        self.out_proj = torch.nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(b, n, 3, c // 64, 64).permute(2, 0, 3, 1, 4)
        return self.out_proj((((q * 64 ** -0.5) @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


class Block(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attn = Attention(width)
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.mlp = torch.nn.ModuleDict({"c_fc": torch.nn.Linear(width, 4 * width), "c_proj": torch.nn.Linear(4 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        y = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](y * torch.sigmoid(1.702 * y))


class Tower(torch.nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.resblocks = torch.nn.Sequential(*(Block(width) for _ in range(layers)))

    def forward(self, x):
        return self.resblocks(x)


class Vision(torch.nn.Module):
    def __init__(self, width, layers, patch, places, embed):
        super().__init__()
        self.class_embedding = torch.nn.Parameter(torch.zeros(width))
        self.positional_embedding = torch.nn.Parameter(torch.zeros(places + 1, width))
        self.proj = torch.nn.Parameter(torch.zeros(width, embed))
        self.conv1 = torch.nn.Conv2d(3, width, patch, patch, bias=False)
        self.ln_pre, self.ln_post = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.transformer = Tower(width, layers)

    def forward(self, x):
        x = self.conv1(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class Clip(torch.nn.Module):
    """Its text tower is in the file, but no text is read here."""
    side, batch = 224, FRAMES
    CONFIG = {"model_cfg": {"embed_dim": 512, "quick_gelu": True,
                            "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
                            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}}}

    def __init__(self):
        super().__init__()
        self.positional_embedding = torch.nn.Parameter(torch.zeros(77, 512))
        self.text_projection = torch.nn.Parameter(torch.zeros(512, 512))
        self.logit_scale = torch.nn.Parameter(torch.zeros(()))
        self.visual = Vision(768, 12, 32, 49, 512)
        self.transformer = Tower(512, 12)
        self.token_embedding = torch.nn.Embedding(49408, 512)
        self.ln_final = torch.nn.LayerNorm(512)

    def fit(self, frames):
        return short_square(frames, self.side)

    def forward(self, pixels):  # [B, 3, side, side]
        mean = torch.tensor((0.48145466, 0.4578275, 0.40821073)).view(3, 1, 1)
        deviation = torch.tensor((0.26862954, 0.26130258, 0.27577711)).view(3, 1, 1)
        return F.normalize(self.visual((pixels / 255 - mean) / deviation)), None


# --- frames ----------------------------------------------------------------------------------------------------------------------------


def read_ppm(path):
    with open(path, "rb") as file:
        data = file.read()
    kind, width, height, most = data[:100].split(None, 4)[:4]
    if kind != b"P6" or most != b"255":
        sys.exit(f"{path}: is no PPM of 8 bits")
    size = int(height) * int(width) * 3
    return np.frombuffer(data[-size:], np.uint8).reshape(int(height), int(width), 3)


def read_clips(folder):
    """The first frames of each clip, [T, H, W, 3] u8, in the order of names."""
    return [np.stack([read_ppm(os.path.join(folder, clip, name)) for name in sorted(os.listdir(os.path.join(folder, clip)))[:FRAMES]])
            for clip in sorted(os.listdir(folder))]


def between(x, places, axis):
    """x at places between its own along an axis: left + (right - left) f."""
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    shape = [1] * x.ndim
    shape[axis] = -1
    left, right = x.take(low, axis), x.take(high, axis)
    return left + (right - left) * (places - low).astype(np.float32).reshape(shape)


def bilinear(frames, side, places):
    x = frames.astype(np.float32)
    for axis in (2, 1):
        x = between(x, places(x.shape[axis], side), axis)
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()


def tf1(frames, side):
    """resize_bilinear of TensorFlow 1: no half pixels."""
    return bilinear(frames, side, lambda size, out: np.arange(out, dtype=np.float32) * (np.float32(size) / np.float32(out)))


def align_corners(frames, side):
    """resize_images of chainer."""
    return bilinear(frames, side, lambda size, out: np.arange(out) * ((size - 1) / (out - 1)))


def cubic(x):
    x = np.abs(x)
    return np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0))


def pil_pass(x, axis, out):
    """One pass of PIL's bicubic over u8, antialiased, in its fixed point."""
    size = x.shape[axis]
    if size == out:
        return x
    scale = size / out
    stretch = max(scale, 1)
    x = np.moveaxis(x, axis, 0).astype(np.int64)
    result = np.empty((out,) + x.shape[1:], np.uint8)
    for i in range(out):
        centre = (i + 0.5) * scale
        first, last = max(0, int(centre - 2 * stretch + 0.5)), min(size, int(centre + 2 * stretch + 0.5))
        weights = cubic((np.arange(first, last) - centre + 0.5) / stretch)
        weights = weights / weights.sum() * (1 << 22)
        whole = np.trunc(weights + np.copysign(0.5, weights)).astype(np.int64)
        result[i] = np.clip((np.tensordot(whole, x[first:last], 1) + (1 << 21)) >> 22, 0, 255)
    return np.moveaxis(result, 0, axis)


def short_square(frames, side):
    """The short side by PIL's bicubic, then the centre, half to even: CLIP's way."""
    height, width = frames.shape[1:3]
    short = min(height, width)
    sizes = [int(side * size / short) for size in (height, width)]
    x = pil_pass(pil_pass(frames, 2, sizes[1]), 1, sizes[0])
    top, left = (round((size - side) / 2) for size in sizes)
    x = x[:, top:top + side, left:left + side]
    return torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2).contiguous()


# --- weights ---------------------------------------------------------------------------------------------------------------------------


CLASSES = {"i3d": I3d, "c3d": C3d, "inception": Inception, "clip": Clip}


def items(name, network, clips):
    """What a network reads of each clip: one item of all frames, or an item for each frame."""
    return [network.fit(clip)[None] if name in ("i3d", "c3d") else network.fit(clip) for clip in clips]


def draw_convolutions(network):
    """Kernels and matrices of such a size that ReLUs neither lose nor raise the signal. Norms leave most of it above zero: if half of it
    were lost at each layer, rounding would grow through dozens of random ones until it is seen."""
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                torch.nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            torch.nn.init.normal_(module.weight, 1, 0.1)
            torch.nn.init.normal_(module.bias, 0.5, 0.1)


def settle_norms(name, network, clips):
    """The statistics of norms become those of some frames, as training would have left them."""
    for module in network.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            module.momentum = 1
    network.train()
    chosen = items(name, network, clips[:2]) if name == "i3d" else [x[::4] for x in items(name, network, clips)]
    network(torch.cat(chosen))


def draw_clip(network):
    for name, p in network.named_parameters():
        last = name.split(".")[-1]
        if last == "logit_scale":
            p.fill_(2.66)
        elif ".ln_" in "." + name:
            torch.nn.init.normal_(p, 1 if last == "weight" else 0, 0.1)
        elif "embedding" in name:
            torch.nn.init.normal_(p, 0, 0.5)
        elif last.endswith("bias"):
            torch.nn.init.normal_(p, 0, 0.1)
        elif last in ("proj", "text_projection"):
            torch.nn.init.normal_(p, 0, p.shape[0] ** -0.5)
        else:
            fan_in = p[0].numel()
            residual = "out_proj" in name or "c_proj" in name  # 24 of them are added up in a tower
            torch.nn.init.normal_(p, 0, fan_in ** -0.5 * (24 ** -0.5 if residual else 1))


def save(name, network, folder):
    path = os.path.join(folder, FILES[name])
    state = network.state_dict()
    if name == "c3d":
        np.savez(path, **{k.replace(".weight", "/W").replace(".bias", "/b"): v.numpy() for k, v in state.items() if k != "mean"})
        np.savez(os.path.join(folder, "mean2.npz"), mean=network.mean.numpy())
        return
    if name == "clip":  # matrices are published in half precision
        state = {k: v.half() if v.dim() > 1 and "embedding" not in k else v for k, v in state.items()}
        with open(os.path.join(folder, "open_clip_config.json"), "w") as file:
            json.dump(Clip.CONFIG, file)
    torch.save(collections.OrderedDict(state), path)


def write_weights(clips, folder):
    os.makedirs(folder, exist_ok=True)
    for seed, name in enumerate(NETWORKS):
        torch.manual_seed(seed)
        network = CLASSES[name]()
        if name == "clip":
            draw_clip(network)
        else:
            draw_convolutions(network)
        if name == "c3d":  # it has no norms, and pixels as they are
            network.conv1a.weight /= 64
            network.mean.normal_(100, 8)
        if name in ("i3d", "inception"):
            settle_norms(name, network, clips)
        save(name, network, folder)


def load(name, folder):
    network = CLASSES[name]()
    path = os.path.join(folder, FILES[name])
    if name == "c3d":
        with np.load(path) as file:
            state = {k.replace("/W", ".weight").replace("/b", ".bias"): torch.from_numpy(file[k]) for k in file}
        with np.load(os.path.join(folder, "mean2.npz")) as file:
            state["mean"] = torch.from_numpy(file["mean"])
    else:
        state = torch.load(path)
    network.load_state_dict(state)
    return network.eval()


# --- beside ours -----------------------------------------------------------------------------------------------------------------------


def read_safetensors(path):
    types = {"F32": np.float32, "U8": np.uint8}
    with open(path, "rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], types[t["dtype"]]).reshape(t["shape"])
            for name, t in head.items() if name != "__metadata__"}


def compare_rows(what, ours, theirs, exact):
    """The largest difference from PyTorch's in float64 over the spread, the deviation of rows from their mean, which is what metrics see;
    and that of PyTorch's own in float32."""
    ours, theirs = (x.reshape(exact.shape).astype(np.float64) for x in (ours, theirs))
    spread = (exact - exact.mean(0)).std()
    own, other = (np.abs(x - exact).max() / spread for x in (ours, theirs))
    print(f"{what}: {len(exact)} rows of {exact.shape[1]}, spread {spread:.3g}, mean size {np.abs(exact).mean():.3g}; difference at most "
          f"{own:.1e} of the spread{'' if own < MOST else ': TOO LARGE'} (PyTorch in float32: {other:.1e})", flush=True)
    return own < MOST


def run_all(network, inputs):
    """Features and probabilities of all items, one below the other."""
    results = [network(x) for x in inputs]
    return [None if results[0][i] is None else torch.cat([r[i] for r in results]).numpy() for i in range(2)]


def compare(clips, weights, features):
    alike = True
    for name in NETWORKS:
        network = load(name, weights)
        inputs = items(name, network, clips)
        theirs = run_all(network, inputs)
        exact = run_all(network.double(), [x.double() for x in inputs])
        files = [f for f in os.listdir(features) if f"-{name}-" in f]
        if len(files) != 1:
            sys.exit(f"{features}: has {len(files)} files of {name}, not one")
        ours = read_safetensors(os.path.join(features, files[0]))
        for i, kind in enumerate(("features", "probabilities")):
            if exact[i] is not None:
                alike = compare_rows(f"{name}, {kind}", ours[kind], theirs[i], exact[i]) and alike
    return alike


def measure(name, weights, threads, rounds):
    network = load(name, weights)
    shape = (FRAMES, 3, network.side, network.side)
    pixels = torch.randint(0, 256, shape).float()
    if network.batch == 1:
        pixels = pixels[None]
    network(pixels)  # warms up
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        network(pixels)
        times.append((time.perf_counter() - started) / network.batch)
    item = "clip" if network.batch == 1 else "frame"
    print(f"{np.median(times):.4f} s a {item}, {name}, {threads} threads, PyTorch {torch.__version__}")


def main():
    torch.set_grad_enabled(False)
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "time":
        weights, name, threads = arguments[:3]
        torch.set_num_threads(int(threads))
        measure(name, weights, threads, int(arguments[3]) if len(arguments) > 3 else 5)
        return
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    clips = read_clips(arguments[0])
    if what == "weights":
        write_weights(clips, arguments[1])
    elif not compare(clips, arguments[1], arguments[2]):
        sys.exit(1)


main()
