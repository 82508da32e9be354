#!/usr/bin/env python3
"""Python's side of `ekya experiment throughput`: trains and serves the same networks with the same
weights by PyTorch and torchvision (Debian: python3-torch, python3-torchvision), on demand.

Reads one JSON object a line from standard input and answers each with one JSON object a line:

  {"do": "versions"}                                   -> {"torch": "1.13.1", "torchvision": ...}
  {"do": "load", "architecture", "weights", "side"}    -> {"logits": [...]} of the test picture
  {"do": "train", "precision", "layout", "batch", "steps"} -> {"seconds": processor time of them}
  {"do": "serve", "runs"}                              -> {"seconds": processor time of them}

One thread, as the other side. A fault is answered with {"error": text}.
"""
import json
import struct
import sys
import time

import torch
import torchvision

MODELS = {
    "resnet18": torchvision.models.resnet18,
    "mobilenetv2": torchvision.models.mobilenet_v2,
    "shufflenetv2": torchvision.models.shufflenet_v2_x1_0,
}
TYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    """Every tensor of the file, by name."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        data = bytearray(content[8 + length + begin:8 + length + end])
        tensors[name] = torch.frombuffer(data, dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def pictures(count, side):
    """The same numbers as the other side's."""
    numbers = torch.arange(count * 3 * side * side, dtype=torch.int64)
    return ((numbers * 7919 % 1000).float() / 250 - 2).reshape(count, 3, side, side)


class Peer:
    def __init__(self):
        self.weights = None
        self.make = None
        self.side = 0

    def model(self):
        model = self.make(num_classes=self.weights_classes())
        model.load_state_dict(self.weights)
        return model

    def weights_classes(self):
        return [tensor for name, tensor in self.weights.items() if name.endswith(".bias")
                and name.split(".")[0] in ("fc", "classifier")][-1].numel()

    def versions(self, _):
        return {"torch": torch.__version__, "torchvision": torchvision.__version__}

    def load(self, asked):
        self.weights = read_safetensors(asked["weights"])
        self.make = MODELS[asked["architecture"]]
        self.side = asked["side"]
        with torch.inference_mode():
            logits = self.model().eval()(pictures(1, self.side))[0]
        return {"logits": logits.tolist()}

    def train(self, asked):
        layout = getattr(torch, asked["layout"])
        model = self.model().train().to(memory_format=layout)
        batch, steps = asked["batch"], asked["steps"]
        images = pictures(batch * (steps + 1), self.side)
        labels = torch.arange(batch * (steps + 1)) % self.weights_classes()
        loss_of = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4)
        narrow = asked["precision"] == "bfloat16"

        def step(i):
            minibatch = images[i * batch:(i + 1) * batch].contiguous(memory_format=layout)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
                output = model(minibatch)
            loss = loss_of(output.float(), labels[i * batch:(i + 1) * batch])
            loss.backward()
            optimizer.step()
            return loss.item()

        step(0)
        start = time.thread_time()
        for i in range(1, steps + 1):
            step(i)
        return {"seconds": time.thread_time() - start}

    def serve(self, asked):
        model = self.model().eval()
        picture = pictures(1, self.side)
        with torch.inference_mode():
            for _ in range(2):
                model(picture)
            start = time.thread_time()
            for _ in range(asked["runs"]):
                model(picture)
            return {"seconds": time.thread_time() - start}


def main():
    torch.set_num_threads(1)
    peer = Peer()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = getattr(peer, asked["do"])(asked)
        except Exception as error:  # pylint: disable=broad-except
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
