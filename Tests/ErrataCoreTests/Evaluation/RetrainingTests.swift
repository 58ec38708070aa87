import CPUEngine
import Datasets
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

/// A linear classifier of single pixels, with dropout or with something that diverges where asked for.
private struct PixelNetwork: Network {
    let layout: ModelLayout
    private let linear: Linear
    private let norm: BatchNorm
    private let drops: Bool
    private let diverges: Divergence?

    enum Divergence { case loss, gradient }

    init(drops: Bool = false, diverges: Divergence? = nil) {
        let builder = LayoutBuilder()
        norm = BatchNorm(builder.root["norm"], channels: 2, affine: false)
        linear = Linear(builder.root["linear"], inputs: 2, outputs: 2)
        layout = builder.layout
        self.drops = drops
        self.diverges = diverges
    }

    func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        var x = try norm(images, context).reshaped(to: [-1, 2])
        if drops, context.isTraining { x = try x.dropout(rate: 0.5, from: context.random) }
        let logits = try linear(x, context)
        return switch diverges {
        case nil: logits
        case .loss: try logits * .infinity
        // √ has no derivative at 0.
        case .gradient: try logits + (logits * 0).squared().squareRoot()
        }
    }
}

private struct FixedBatches: BatchSource {
    let batches: [Batch]
    var batchesPerEpoch: Int { batches.count }
    func batch(step: Int) throws -> Batch { batches[step] }
}

@Suite("Retraining")
struct RetrainingTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private func batch() throws -> Batch {
        try Batch(
            images: backend.normal([8, 1, 1, 2], .float64, from: RandomStream(seed: 4)),
            labels: backend.tensor((0..<8).map { Int32($0 % 2) }, [8]))
    }

    private func trained(
        _ network: PixelNetwork = .init(), _ descent: Descent = .init(rate: 0.1, SGD()),
        labelSmoothing: Double = 0, seed: UInt64 = 1, steps: Int = 1, firstStep: Int = 0
    ) throws -> (model: Model, loss: Double) {
        let retraining = Retraining(
            network: network, descent: descent, labelSmoothing: labelSmoothing, seed: seed)
        var model = try retraining.initialModel(on: backend, .float64)
        var loss = 0.0
        for step in firstStep..<(firstStep + steps) {
            loss = try retraining.step(&model, on: batch(), at: .init(epoch: step, epochs: 4, step: step))
                .loss
        }
        return (model, loss)
    }

    private func values(_ model: Model) throws -> [[Double]] {
        try model.state.parameters.map { try $0.doubles() }
    }

    @Test("Mixed images are to be both labels, each by its part")
    func mixedLabels() throws {
        let network = PixelNetwork()
        let retraining = Retraining(
            network: network, descent: .init(rate: 0.1, SGD()), labelSmoothing: 0.1, seed: 1)
        let others = try backend.tensor((0..<8).map { Int32($0 / 4) }, [8])
        func loss(_ labels: Tensor, mixed: (labels: Tensor, weight: Double)? = nil) throws -> Double {
            var model = try retraining.initialModel(on: backend, .float64)
            let batch = try Batch(images: batch().images, labels: labels, mixed: mixed)
            return try retraining.step(&model, on: batch, at: .init(epochs: 4)).loss
        }
        let labels = try batch().labels
        let expected = try 0.7 * loss(labels) + 0.3 * loss(others)
        #expect(try abs(loss(labels, mixed: (others, 0.3)) - expected) < 1e-12)
    }

    @Test(
        "A step is the gradient's, of the loss with label smoothing; buffers move; the rate follows the time")
    func step() throws {
        for smoothing in [0, 0.2] {
            let network = PixelNetwork()
            let before = try network.layout.initialState(
                on: backend, .float64, from: RandomStream(seed: 1, "initial network")
            ).variables
            let batch = try batch()
            let loss = try network.logits(batch.images, ForwardContext(before))
                .crossEntropy(batch.labels, labelSmoothing: smoothing)
            let found = try gradients(of: loss, withRespectTo: before.parameters)
            let (model, value) = try trained(network, labelSmoothing: smoothing)
            #expect(try value == loss.item())
            let expected = try zip(before.parameters, found).map { try ($0 - $1 * 0.1).doubles() }
            for (one, other) in zip(try values(model), expected) {
                #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-15 })
            }
            #expect(try model.state.buffers[0].doubles() != [0, 0])
            #expect(model.optimizer.count == 1)
        }
        let cosine = Descent(rate: 0.1, SGD(), schedule: CosineSchedule())
        let constant = try trained(firstStep: 2).model
        let half = try trained(.init(), cosine, firstStep: 2).model
        let start = try trained(steps: 0).model
        for (a, (b, c)) in zip(try values(start), zip(try values(constant), try values(half))) {
            // The cosine's half-way point: half the rate.
            #expect(zip(a, zip(b, c)).allSatisfy { abs(($1.0 - $0) - 2 * ($1.1 - $0)) < 1e-15 })
        }
    }

    @Test("Masks depend on seed and step; the clip bounds the step")
    func randomnessAndClip() throws {
        let drops = PixelNetwork(drops: true)
        #expect(try trained(drops).loss == trained(drops).loss)
        #expect(try trained(drops, firstStep: 0).loss != trained(drops, firstStep: 1).loss)
        #expect(try trained(seed: 1).loss != trained(seed: 2).loss)
        let clipped = try trained(.init(), .init(rate: 1, SGD(), clip: 1e-3)).model
        let start = try trained(steps: 0).model
        let moved = zip(try values(clipped).joined(), try values(start).joined()).map { $0 - $1 }
        #expect(abs(moved.reduce(0) { $0 + $1 * $1 }.squareRoot() - 1e-3) < 1e-6)
    }

    @Test("Divergence of the loss, and of the gradient's norm, names the setting")
    func divergence() throws {
        func failure(_ network: PixelNetwork, clip: Double?) -> SettingError? {
            #expect(throws: SettingError.self) {
                try trained(network, .init(rate: 0.1, SGD(), clip: clip), steps: 2)
            }
        }
        for (error, text) in [
            (failure(.init(diverges: .loss), clip: nil), "step 1: the loss is nan"),
            (failure(.init(diverges: .gradient), clip: 5), "step 1: the gradient's norm is "),
            (failure(.init(diverges: .gradient), clip: nil), "step 2: the loss is nan"),
        ] {
            #expect(error?.setting == "evaluation.weights.rate")
            #expect(error?.message.hasPrefix(text) == true, "\(error as Any)")
        }
    }

    @Test("Performance class by class; a class without images has neither loss nor accuracy")
    func performance() throws {
        // Logits are given: classes 0, 1, 3 of four, in two batches.
        let logits: [[Double]] = [[2, 0, 0, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1], [0, 2, 0, 0]]
        let labels: [Int32] = [0, 0, 0, 3, 1]
        func batch(_ rows: Range<Int>) throws -> Batch {
            Batch(
                images: try backend.tensor(logits[rows].flatMap(\.self), [rows.count, 4]),
                labels: try backend.tensor(Array(labels[rows]), [rows.count]))
        }
        let batches = FixedBatches(batches: [try batch(0..<3), try batch(3..<5)])
        let found = try Performance(of: batches, classes: 4) { $0 }
        func loss(_ row: Int) -> Double {
            log(logits[row].reduce(0) { $0 + exp($1) }) - logits[row][Int(labels[row])]
        }
        #expect(found.count == 5 && found.correct == 4 && found.accuracy == 0.8)
        #expect(abs(found.error - 0.2) < 1e-15)
        #expect(abs(found.loss - (0..<5).reduce(0) { $0 + loss($1) } / 5) < 1e-14)
        #expect(found.classes.map(\.count) == [3, 1, 0, 1])
        #expect(found.classes.map(\.accuracy) == [2.0 / 3, 1, nil, 1])
        #expect(abs(found.classes[0].loss! - (loss(0) + loss(1) + loss(2)) / 3) < 1e-14)
        #expect(found.classes[2].loss == nil)
    }
}
