import Datasets
import ErrataCore
import TensorEngine

/// The batches that a search's method asks for, step by step.
package struct SearchBatches: Sendable {
    private let requests: [(request: BatchRequest, source: any BatchSource)]
    /// The steps of one pass of the first request's images; where there is none, those that the settings ask for, or 1.
    package let stepsPerEpoch: Int

    /// - Throws: `RunError` if a step takes more batches than an epoch has; `DatasetError`.
    package init(
        _ requests: [BatchRequest], of split: Split, _ settings: SearchSettings, _ dtype: DType,
        _ normalization: PixelNormalization, seed: UInt64, on backend: any Backend
    ) throws {
        self.requests = try requests.map { request in
            let options = BatchLoader.Options(
                batchSize: settings.batchSize,
                transforms: request.isAugmented ? settings.transforms.map(\.product) : [],
                augmentation: request.isAugmented ? settings.augmentation : .none,
                normalization: normalization, includesOriginals: request.includesOriginals, dtype: dtype)
            let loader = try BatchLoader(
                request.part == .training ? split.training : split.validation, options, on: backend,
                random: RandomStream(seed: seed, "\(request.name) batches"))
            return (request, try Prefetcher(loader, depth: max(2, min(request.count, 64))))
        }
        guard let first = self.requests.first else {
            stepsPerEpoch = settings.stepsPerEpoch ?? 1
            return
        }
        stepsPerEpoch = first.source.batchesPerEpoch / first.request.count
        guard stepsPerEpoch > 0 else {
            throw RunError(
                "a step takes \(first.request.count) batches of \(settings.batchSize) images, and there are "
                    + "\(first.source.batchesPerEpoch): lower search.batch_size or the method's steps")
        }
    }

    package func batches(step: Int) throws -> StepBatches {
        StepBatches(
            try Dictionary(
                uniqueKeysWithValues: requests.map { request, source in
                    let first = step * request.count
                    return (request.name, try (0..<request.count).map { try source.batch(step: first + $0) })
                }))
    }
}
