"""PyTorch's side of loading images: torchvision's transforms in a DataLoader, as DARTS's code has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, transforms

MEAN, DEVIATION = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


class CIFAR(Dataset):
    """The binary archive's training images, kept and given to the transforms as torchvision's own CIFAR10 does."""

    def __init__(self, folder: Path, transform):
        files = [np.fromfile(folder / f"data_batch_{index}.bin", np.uint8) for index in range(1, 6)]
        records = np.concatenate(files).reshape(-1, 3073)
        self.labels = records[:, 0].tolist()
        self.pixels = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


class Cutout:
    """A square around a random pixel becomes 0."""

    def __init__(self, length: int):
        self.length = length

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[1:]
        y, x = np.random.randint(height), np.random.randint(width)
        half = self.length // 2
        image[:, max(y - half, 0):y + half, max(x - half, 0):x + half] = 0
        return image


def loading(dataset: Dataset, batches: int, size: int):
    """So many batches a run, epoch after epoch."""

    def endless():
        while True:
            yield from DataLoader(dataset, size, shuffle=True, drop_last=True)

    source = endless()

    def run():
        for _ in range(batches):
            next(source)

    return batches * size, 0, run


def cifar(folder: str, _):
    transform = transforms.Compose([
        transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize(MEAN, DEVIATION), Cutout(16)])
    return loading(CIFAR(Path(folder), transform), 50, 96)


def imagenet(folder: str, _):
    transform = transforms.Compose([
        transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ColorJitter(0.4, 0.4, 0.4),
        transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])
    return loading(datasets.ImageFolder(folder, transform), 10, 32)
