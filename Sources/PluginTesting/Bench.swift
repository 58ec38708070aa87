import CPUEngine
import Datasets
import ErrataCore
import NeuralNetworks
import TensorEngine

/// Where components are checked: the images, the machine, and what is drawn at random.
struct Bench {
    let images: ImageSpecification
    let backend: any Backend
    let twoThreads: any Backend
    let dtype = DType.float64
    let seed: UInt64 = 3
    /// Examples of a batch: each class twice.
    var count: Int { 2 * images.classes }
    /// In the middle of a training.
    let time = TrainingTime(epoch: 1, epochs: 4, step: 12, stepOfEpoch: 2, stepsPerEpoch: 10)

    init(_ images: ImageSpecification) throws {
        self.images = images
        backend = try CPUBackend(threads: 1)
        twoThreads = try CPUBackend(threads: 2)
    }

    func random(_ label: String) -> RandomStream { RandomStream(seed: seed, label) }

    func normal(_ shape: Shape, _ label: String, on backend: any Backend) throws -> Tensor {
        try backend.normal(shape, dtype, from: random(label))
    }

    /// Int32 labels [count], every class.
    func labels(on backend: any Backend) throws -> Tensor {
        try backend.tensor((0..<count).map { Int32($0 % images.classes) }, [count])
    }

    /// Images of noise in [−1, 1] with labels.
    func batch(_ label: String, on backend: any Backend) throws -> Batch {
        let images = try normal(
            [count, images.height, images.width, images.channels], label, on: backend
        ).tanh()
        return Batch(images: images, originals: images, labels: try labels(on: backend))
    }

    /// Fresh values moved a little by noise, so that what begins at 0 or is even does not stay so.
    func state(of layout: ModelLayout, _ label: String, on backend: any Backend) throws -> ModelState {
        var state = try layout.initialState(on: backend, dtype, from: random(label))
        state.parameters = try zip(state.parameters, layout.parameters).map {
            try $0 + normal($0.shape, "\(label) noise \($1.name)", on: backend) * 0.05
        }
        return state
    }
}
