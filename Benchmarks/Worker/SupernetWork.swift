import CPUEngine
import Cells
import DARTS
import ErrataCore
import NASBench201
import NeuralNetworks
import PCDARTS
import PDARTS
import Relaxations
import TensorEngine

/// A supernet whose training step is a unit of work: its space, what it is shown, and the size of a batch.
struct SupernetWork {
    let space: any SearchSpace
    let images: ImageSpecification
    let batch: Int

    static let colour = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)

    /// The supernet of a step that has this name, if one has.
    static func named(_ name: String) throws -> SupernetWork? {
        switch name {
        case "supernet-step":
            SupernetWork(space: try CellSearchSpace(), images: colour, batch: 64)
        case "small-step": try small
        case "pc-darts-step": SupernetWork(space: try CellSearchSpace(.partial), images: colour, batch: 64)
        case "gdas-step": try gdas
        case "p-darts-step": SupernetWork(space: try lastStage(), images: colour, batch: 64)
        case "nas-bench-201-step": SupernetWork(space: try NASBench201Space(), images: colour, batch: 64)
        default: nil
        }
    }

    /// The demo's.
    private static var small: SupernetWork {
        get throws {
            var settings = CellSpaceSettings()
            (settings.channels, settings.cells) = (4, 3)
            return SupernetWork(
                space: try CellSearchSpace(settings),
                images: ImageSpecification(height: 28, width: 28, channels: 1, classes: 10), batch: 32)
        }
    }

    /// DARTS's space, one operation an edge drawn anew in each step.
    private static var gdas: SupernetWork {
        get throws {
            var settings = CellSpaceSettings()
            settings.relaxation = Choice("gdas", GDASRelaxation())
            return SupernetWork(space: try CellSearchSpace(settings), images: colour, batch: 64)
        }
    }

    /// P-DARTS's last stage. Which three operations an edge has left differs from edge to edge, so that all are there
    /// equally often.
    private static func lastStage() throws -> CellSearchSpace {
        var settings = CellSpaceSettings.progressive
        settings.stages = [settings.stages[0], settings.stages[2]]
        let space = try CellSearchSpace(settings)
        let backend = try CPUBackend(threads: 1)
        return try space.next(
            after: space.architecture.parameters.map { parameter in
                let (edges, operations) = (parameter.shape[0], parameter.shape[1])
                return try backend.tensor(
                    (0..<edges).flatMap { edge in
                        (0..<operations).map { -Double(($0 + 5 * edge) % operations) }
                    }, parameter.shape)
            })!
    }

    /// A batch with its labels.
    private func data(_ count: Int, on backend: CPUBackend) throws -> (images: Tensor, labels: Tensor) {
        (
            try backend.filled("images", [count, images.height, images.width, images.channels]),
            try backend.tensor((0..<Int32(count)).map { $0 % Int32(images.classes) }, [count])
        )
    }

    /// Forward, backward and SGD step of the supernet; its architecture parameters take part.
    func step(on backend: CPUBackend, batch count: Int?) throws -> Work {
        let supernet = try space.supernet(for: images)
        var state = try backend.filled(supernet.layout)
        let architecture = try backend.filled(space.architecture).parameters
        let (pixels, labels) = try data(count ?? batch, on: backend)
        let sgd = SGD(momentum: 0.9, weightDecay: 3e-4)
        var momentum = OptimizerState()
        // What is dropped is drawn otherwise elsewhere: these logits are of nothing dropped.
        let logits = try supernet.logits(
            data(8, on: backend).images, architecture: architecture,
            ForwardContext(state, time: TrainingTime(epoch: 1_000_000)))
        let random = RandomStream(seed: 1)
        var steps: UInt64 = 0
        return Work(parameters: supernet.layout.parameterCount, logits: try logits.doubles()) {
            steps += 1
            let variables = state.variables
            let alphas = architecture.map(\.variable)
            let updates = BufferUpdates()
            let loss = try supernet.logits(
                pixels, architecture: alphas,
                ForwardContext(variables, random: random.derived(steps), updates: updates)
            ).crossEntropy(labels)
            let found = try gradients(
                of: loss, withRespectTo: variables.parameters + alphas, releasingGraph: true)
            let (gradients, _) = try clipped(Array(found.prefix(variables.parameters.count)), norm: 5)
            (state.parameters, momentum) = try sgd.step(
                state.parameters, gradients: gradients, state: momentum, rate: 0.025)
            state.buffers = try updates.updated(state.buffers)
        }
    }
}
