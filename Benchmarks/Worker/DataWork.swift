import CPUEngine
import Datasets
import TensorEngine

extension Work {
    /// 50 batches of CIFAR-10's training images with DARTS's crop, flip, normalisation and cutout.
    ///
    /// - Parameter folder: as `CIFAR` reads it.
    static func cifar(_ folder: String, on backend: CPUBackend) throws -> Work {
        try loading(
            CIFAR.ten.load(from: folder).training, batches: 50, of: 96,
            augmentation: Augmentation(cropPadding: 4, horizontalFlip: true, cutoutLength: 16), on: backend)
    }

    /// Ten batches of 32 photographs, decoded, cropped at random, brought to 224 pixels, jittered, flipped and normalised.
    ///
    /// - Parameter folder: a folder for each class.
    static func imageNet(_ folder: String, on backend: CPUBackend) throws -> Work {
        let pictures = try PictureDataset(
            name: "photographs", files: LabelledFiles(folders: folder),
            fit: PictureFit(height: 224, width: 224))
        return try loading(
            pictures, batches: 10, of: 32, transforms: [RandomResizedCrop(), ColorJitter()],
            augmentation: Augmentation(horizontalFlip: true), on: backend)
    }

    private static func loading(
        _ dataset: any Dataset, batches: Int, of size: Int, transforms: [any ImageTransform] = [],
        augmentation: Augmentation, on backend: CPUBackend
    ) throws -> Work {
        let loader = try BatchLoader(
            dataset,
            .init(
                batchSize: size, transforms: transforms, augmentation: augmentation,
                normalization: PixelNormalization(
                    mean: [0.49, 0.48, 0.45], deviation: [0.25, 0.24, 0.26])),
            on: backend, random: RandomStream(seed: 1))
        var step = 0
        return Work(parameters: batches * size) {
            for _ in 0..<batches {
                _ = try loader.batch(step: step)
                step += 1
            }
        }
    }
}
